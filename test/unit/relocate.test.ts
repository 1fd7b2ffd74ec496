import { beforeAll, describe, expect, it } from 'vitest'

let relocate: (text: string, file: string, newPath: (path: string) => string) => string

beforeAll(async () => {
  ;({ relocate } = await import('../../scripts/relocate.mjs'))
})

/** src/ becomes the root. */
const toRoot = (path: string) => (path === 'src' ? '.' : path.replace(/^src\//, ''))
const moved = (file: string, text: string) => relocate(text, file, toRoot)

describe('relocating imports', () => {
  it.each([
    ['require("../../src/adapter")', 'require("../../adapter")'],
    ['require("../../src")', 'require("../..")'],
    ['export * from "../../src/util/types"', 'export * from "../../util/types"'],
    [`import { type A } from '../../src/adapter'`, `import { type A } from '../../adapter'`],
    [`let a: import("../../src/adapter").A`, `let a: import("../../adapter").A`],
    [`import('../../src/adapter/index.js')`, `import('../../adapter/index.js')`],
  ])('of an endpoint: %s', (before, after) => {
    expect(moved('endpoints/acme/index.js', before)).toBe(after)
  })

  it('counts the folders of the file', () => {
    expect(moved('endpoints/acme.js', 'require("../src/util")')).toBe('require("../util")')
    expect(moved('endpoints/acme/feeds/a.js', 'require("../../../src/util")')).toBe(
      'require("../../../util")',
    )
  })

  it('goes the other way for the service, which loads the endpoints', () => {
    expect(moved('src/main.js', 'require("../endpoints/acme")')).toBe('require("./endpoints/acme")')
    expect(moved('src/cli/demo.js', 'require("../../endpoints/acme")')).toBe('require("../endpoints/acme")')
  })

  it('leaves packages, neighbours, comments and other text alone', () => {
    const text = [
      `const ws = require("ws")`,
      `const price = require("./price")`,
      `// like require("../../src/adapter")`,
      `const where = "../../src/adapter"`,
    ].join('\n')
    expect(moved('endpoints/acme/index.js', text)).toBe(text)
  })

  it('rewrites every import of a file, and only those', () => {
    const text = `require("../../src/a"); require("./b"); require("../../src/c"); "../../src/a"`
    expect(moved('endpoints/acme/index.js', text)).toBe(
      `require("../../a"); require("./b"); require("../../c"); "../../src/a"`,
    )
  })

  it('finds a file that has the name of the folder it is imported from', () => {
    expect(moved('src/cache/response/base.js', 'require("../response")')).toBe('require("../response")')
  })
})
