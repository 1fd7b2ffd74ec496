import { describe, expect, it } from 'vitest'
import { checkImports, type Violation } from '../helpers/import-rules'
import { filesBelow, read } from '../helpers/repository'

const show = ({ file, line, rule, message }: Violation) => `${file}:${line} [${rule}] ${message}`

/** Rules that a file breaks, standing beside `others` (empty files that its imports resolve to). */
function rulesBroken(file: string, text: string, others: string[] = []): string[] {
  const files = new Map([[file, text], ...others.map((other): [string, string] => [other, ''])])
  return checkImports(files).map(({ rule }) => rule)
}

describe('the source', () => {
  it('keeps to the floors, the public surface and one home per package', () => {
    const files = [...filesBelow('src', /\.ts$/), ...filesBelow('endpoints', /\.ts$/)]
    const violations = checkImports(new Map(files.map((file) => [file, read(file)])))
    expect(violations.map(show)).toEqual([])
  })
})

describe('floors', () => {
  it('lets a room import itself and the rooms below it', () => {
    expect(rulesBroken('src/cache/a.ts', `import { b } from './b'\nimport { c } from '../util/c'`)).toEqual(
      [],
    )
    expect(rulesBroken('src/http/a.ts', `import { b } from '../adapter/b'`)).toEqual([])
    expect(rulesBroken('src/main.ts', `import { b } from './http/b'\nimport { c } from './cli/c'`)).toEqual(
      [],
    )
  })

  it('finds an import of a higher floor, in every spelling of an import', () => {
    const spellings = [
      `import { b } from '../http/b'`,
      `import '../http/b'`,
      `import type { B } from '../http/b'`,
      `import { type B } from '../http/b'`,
      `import b = require('../http/b')`,
      `export { b } from '../http/b'`,
      `export * from '../http/b'`,
      `export type { B } from '../http/b'`,
      `const b = require('../http/b')`,
      `const b = async () => import('../http/b')`,
      `let b: import('../http/b').B`,
    ]
    for (const text of spellings) expect(rulesBroken('src/util/a.ts', text), text).toEqual(['floor'])
  })

  it('keeps rooms of the same floor apart', () => {
    expect(rulesBroken('src/cache/a.ts', `import { b } from '../subscriptions/b'`)).toEqual(['floor'])
    expect(rulesBroken('src/codecs/a.ts', `import { b } from '../util/b'`)).toEqual(['floor'])
  })

  it('keeps the harness out of the service', () => {
    expect(rulesBroken('src/main.ts', `import { b } from './testing/b'`)).toEqual(['floor'])
    expect(rulesBroken('src/cli/demo.ts', `import { b } from '../testing/b'`)).toEqual([])
  })

  it('finds a room that is on no floor, and private files in a room made for a public path', () => {
    expect(rulesBroken('src/attic/a.ts', '')).toEqual(['room'])
    expect(rulesBroken('src/status/a.ts', '')).toEqual(['room'])
    expect(rulesBroken('src/status/router.ts', '')).toEqual([])
  })

  it('names the file, the line and the rooms', () => {
    const found = checkImports(new Map([['src/util/a.ts', `// top\nimport { b } from '../http/b'`]]))
    expect(found.map(show)).toEqual(['src/util/a.ts:2 [floor] util/ imports http/, which is not below it'])
  })

  it('reads imports, not comments or text that looks like them', () => {
    expect(rulesBroken('src/util/a.ts', `// import '../http/b'\nconst text = "import '../http/b'"`)).toEqual(
      [],
    )
  })
})

describe('public files', () => {
  const others = ['src/util/index.ts', 'src/validation/index.ts', 'src/metrics/constants.ts', 'src/index.ts']

  it('are not imported by private ones, however the path is spelled', () => {
    for (const path of ['../util', '../util/', '../util/index', '../util/index.js']) {
      expect(rulesBroken('src/cache/a.ts', `import { sleep } from '${path}'`, others), path).toEqual([
        'public',
      ])
    }
    expect(rulesBroken('src/cache/a.ts', `import { type B } from '../util'`, others)).toEqual(['public'])
    expect(rulesBroken('src/util/sleep.ts', `import { b } from '.'`, others)).toEqual(['public'])
  })

  it('lend the types of util/types to everyone', () => {
    expect(rulesBroken('src/cache/a.ts', `import type { B } from '../util/types'`)).toEqual([])
    expect(rulesBroken('src/cache/a.ts', `import { b } from '../util/types'`)).toEqual(['public'])
  })

  it('re-export from any floor, in one statement or two', () => {
    expect(rulesBroken('src/util/testing-utils.ts', `export { b } from '../testing/b'`)).toEqual([])
    const twoStatements = `import { b } from '../testing/b'\nimport c from '../http/c'\nexport { b }\nexport default c`
    expect(rulesBroken('src/util/testing-utils.ts', twoStatements)).toEqual([])
    expect(rulesBroken('src/validation/utils.ts', `export * from '../util'`, others)).toEqual([])
  })

  it('keep to the floors, and to private files, in what they use themselves', () => {
    const use = `import { b } from '../http/b'\nexport const c = b()`
    expect(rulesBroken('src/util/settings.ts', use)).toEqual(['floor'])
    expect(rulesBroken('src/validation/utils.ts', `import { b } from '../util'\nb()`, others)).toEqual([
      'public',
    ])
    expect(rulesBroken('src/util/settings.ts', `import type { B } from '../http/b'`)).toEqual([])
  })

  it('are open to the inside only where the reason is written down', () => {
    expect(rulesBroken('src/metrics/labels.ts', `import { b } from './constants'`, others)).toEqual([])
    expect(rulesBroken('src/cli/demo.ts', `import { start } from '..'`, others)).toEqual([])
    expect(rulesBroken('src/http/server.ts', `import { start } from '..'`, others)).toEqual([
      'public',
      'floor',
    ])
  })
})

describe('protocol transports', () => {
  it('never import each other', () => {
    const text = `import { b } from '../versia/b'`
    expect(rulesBroken('src/transports/strapi/a.ts', text)).toEqual(['protocol'])
    expect(rulesBroken('src/transports/tremor/a.ts', `import { b } from '../ws-room'`)).toEqual(['protocol'])
    expect(rulesBroken('src/transports/versia/a.ts', text)).toEqual([])
    expect(rulesBroken('src/transports/strapi/a.ts', `import { b } from '../websocket/b'`)).toEqual([])
  })
})

describe('packages', () => {
  it.each([
    ['fastify', 'src/http/a.ts', 'src/adapter/a.ts'],
    ['@fastify/swagger', 'src/http/a.ts', 'src/main.ts'],
    ['ws', 'src/transports/websocket/a.ts', 'src/transports/a.ts'],
    ['ioredis', 'src/cache/redis-cache.ts', 'src/cache/local-cache.ts'],
    ['lru-cache', 'src/cache/a.ts', 'src/subscriptions/a.ts'],
    ['pino', 'src/util/logging.ts', 'src/http/a.ts'],
    ['prom-client', 'src/metrics/a.ts', 'src/background/a.ts'],
    ['axios', 'src/transports/requester.ts', 'src/transports/http.ts'],
  ])('loads %s in its home alone', (name, home, elsewhere) => {
    expect(rulesBroken(home, `import { a } from '${name}'`)).toEqual([])
    expect(rulesBroken(elsewhere, `import { a } from '${name}'`)).toEqual(['package'])
    expect(rulesBroken(elsewhere, `const a = require('${name}/deep')`)).toEqual(['package'])
    expect(rulesBroken(elsewhere, `import type { A } from '${name}'`)).toEqual([])
  })

  it('wants a home for every package', () => {
    expect(rulesBroken('src/util/a.ts', `import a from 'left-pad'`)).toEqual(['package'])
    expect(rulesBroken('src/util/a.ts', `import a from 'node:path'`)).toEqual([])
  })
})

describe('the environment', () => {
  it('is read in config/ alone, in whatever spelling', () => {
    const spellings = [
      'process.env.A',
      `process['env'].A`,
      'globalThis.process.env',
      'const { env } = process',
      'const { env: e } = process',
      `import { env } from 'node:process'`,
    ]
    for (const text of spellings) {
      expect(rulesBroken('src/http/a.ts', text), text).toEqual(['environment'])
      expect(rulesBroken('src/config/a.ts', text), text).toEqual([])
    }
    expect(rulesBroken('src/main.ts', 'process.env.A')).toEqual(['environment'])
    expect(rulesBroken('endpoints/acme/index.ts', 'process.env.A')).toEqual(['environment'])
    expect(rulesBroken('src/http/a.ts', 'const env = 1; settings.env')).toEqual([])
  })

  it('gives util/ (for logging) and metrics/ the variables that the contract names, and no others', () => {
    expect(rulesBroken('src/util/logging.ts', `process.env.LOG_LEVEL ?? process.env['DEBUG']`)).toEqual([])
    expect(rulesBroken('src/util/logging.ts', 'process.env.API_KEY')).toEqual(['environment'])
    expect(rulesBroken('src/util/logging.ts', 'show(process.env)')).toEqual(['environment'])
    expect(rulesBroken('src/metrics/registry.ts', 'process.env.npm_package_version')).toEqual([])
    expect(rulesBroken('src/metrics/registry.ts', 'process.env.HOME')).toEqual(['environment'])
  })
})

describe('endpoints', () => {
  it('import public files and each other', () => {
    const text = `import { Adapter } from '../../src/adapter'\nimport { price } from './price'`
    expect(rulesBroken('endpoints/acme/index.ts', text, ['src/adapter/index.ts'])).toEqual([])
  })

  it('never import private files', () => {
    expect(rulesBroken('endpoints/acme/index.ts', `import { b } from '../../src/util/backoff'`)).toEqual([
      'endpoint',
    ])
    expect(rulesBroken('endpoints/acme/index.ts', `import type { B } from '../../src/cache/feed'`)).toEqual([
      'endpoint',
    ])
    expect(rulesBroken('endpoints/acme/index.ts', `import { b } from '../../test/b'`)).toEqual(['outside'])
  })

  it('are loaded by the service and the command line alone', () => {
    expect(rulesBroken('src/main.ts', `import { adapter } from '../endpoints/acme'`)).toEqual([])
    expect(rulesBroken('src/http/a.ts', `import { adapter } from '../../endpoints/acme'`)).toEqual([
      'outside',
    ])
    expect(rulesBroken('src/index.ts', `import { adapter } from '../endpoints/acme'`)).toEqual(['outside'])
    expect(rulesBroken('src/cli/a.ts', `import { b } from '../../test/b'`)).toEqual(['outside'])
  })
})
