import { describe, expect, it } from 'vitest'
import { draw, floors, houseOf } from '../helpers/house'
import { checkImports, type Violation } from '../helpers/import-rules'
import { publicFiles } from '../helpers/public-files'
import { filesBelow, read } from '../helpers/repository'

const show = ({ file, line, rule, message }: Violation) => `${file}:${line} [${rule}] ${message}`

/** Rules that a file breaks, standing beside `others` (empty files that its imports resolve to). */
function rulesBroken(file: string, text: string, others: string[] = []): string[] {
  const files = new Map([[file, text], ...others.map((other): [string, string] => [other, ''])])
  return checkImports(files).map(({ rule }) => rule)
}

const isTest = (file: string) => /^protocols\/[^/]+\/test\//.test(file)

const sources = new Map(
  ['src', 'endpoints', 'protocols']
    .flatMap((folder) => filesBelow(folder, /\.ts$/))
    .filter((file) => !isTest(file))
    .map((file) => [file, read(file)]),
)

describe('the source', () => {
  it('keeps to the floors, the public surface and one home per package', () => {
    expect(checkImports(sources).map(show)).toEqual([])
  })

  it('has no arrow that leads up', () => {
    const house = houseOf(sources)
    // eslint-disable-next-line no-console -- the picture of the house, for whoever wants to see it
    console.log(draw(house))
    expect(house.upward).toEqual([])
    const built = floors.flat().filter((room) => house.rooms.includes(room))
    expect(house.rooms.toSorted()).toEqual(built.toSorted())
  })
})

describe('the drawing of the house', () => {
  it('has a line for each room, what it imports, and what leads up', () => {
    const files = new Map([
      ['src/http/a.ts', `import { b } from '../util/b'\nimport type { C } from '../adapter/c'`],
      ['src/http/d.ts', `import { b } from '../util/b'\nimport './a'`],
      ['src/util/b.ts', `let a: import('../http/a').A`],
      ['src/adapter/c.ts', ''],
      ['src/public/index.ts', `export * from '../http/a'`],
    ])
    expect(draw(houseOf(files))).toBe(
      [
        'http          -> adapter 1, util 2',
        'adapter',
        'util          -> http 1',
        '3 rooms, 3 arrows, 1 upward',
      ].join('\n'),
    )
  })
})

describe('floors', () => {
  it('lets a room import itself and the rooms below it', () => {
    expect(rulesBroken('src/feeds/a.ts', `import { b } from './b'\nimport { c } from '../util/c'`)).toEqual(
      [],
    )
    expect(rulesBroken('src/http/a.ts', `import { b } from '../adapter/b'`)).toEqual([])
    expect(rulesBroken('src/cli/a.ts', `import { b } from '../http/b'\nimport { c } from './c'`)).toEqual([])
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
    expect(rulesBroken('src/connections/a.ts', `import { b } from '../outbound-http/b'`)).toEqual(['floor'])
    expect(rulesBroken('src/outbound-http/a.ts', `import { b } from '../connections/b'`)).toEqual(['floor'])
  })

  it('keeps the harness out of the service', () => {
    expect(rulesBroken('src/service/main.ts', `import { b } from '../testing/b'`)).toEqual(['floor'])
    expect(rulesBroken('src/cli/demo.ts', `import { b } from '../testing/b'`)).toEqual([])
  })

  it('finds a room that is on no floor', () => {
    expect(rulesBroken('src/attic/a.ts', '')).toEqual(['room'])
    expect(rulesBroken('src/a.ts', '')).toEqual(['room'])
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
  const others = ['src/public/util/index.ts', 'src/public/index.ts']
  const head = '/** The work is in http/b. */\n'

  it('are those of the contract, and the harness', () => {
    const found = filesBelow('src/public', /\.(ts|json)$/).map((file) => file.slice('src/public/'.length))
    expect(found.toSorted()).toEqual([...publicFiles].toSorted())
  })

  it('are not imported by private ones, however the path is spelled', () => {
    for (const path of [
      '../public/util',
      '../public/util/',
      '../public/util/index',
      '../public/util/index.js',
    ])
      expect(rulesBroken('src/feeds/a.ts', `import { sleep } from '${path}'`, others), path).toContain(
        'public',
      )
    expect(rulesBroken('src/feeds/a.ts', `import { type B } from '../public/util'`, others)).toContain(
      'public',
    )
    expect(rulesBroken('src/cli/demo.ts', `import { start } from '../public'`, others)).toContain('public')
  })

  it('re-export from any floor, and from each other', () => {
    for (const text of [
      `export { b } from '../../testing/b'`,
      `export * from '../../http/b'`,
      `export { b as default } from '../../util/b'`,
      `export { type B } from './b'`,
    ])
      expect(rulesBroken('src/public/util/a.ts', head + text), text).toEqual([])
  })

  it('do nothing else, and say where the work is', () => {
    for (const text of [
      `import { b } from '../../http/b'\nexport { b }`,
      `export const c = 1`,
      `export default class {}`,
      `export type A = string`,
      `export { b } from '../../http/b'\nconsole.log(1)`,
    ])
      expect(rulesBroken('src/public/util/a.ts', head + text), text).toContain('work')
    expect(rulesBroken('src/public/util/a.ts', `export { b } from '../../http/b'`)).toEqual(['work'])
  })
})

describe('protocols', () => {
  it('import public files, connections, config, util and the peer transport', () => {
    for (const path of [
      'public/adapter',
      'public/validation/error',
      'connections/link',
      'config/pem',
      'util/sleep',
      'transports/peer/peer-transport',
    ])
      expect(rulesBroken('protocols/strapi/a.ts', `import { b } from '../../src/${path}'`), path).toEqual([])
    expect(rulesBroken('protocols/strapi/push/a.ts', `import { b } from '../b'`)).toEqual([])
  })

  it('import no other room', () => {
    for (const path of [
      'feeds/feed',
      'transports/transport',
      'transports/websocket/websocket-transport',
      'http/server',
      'validation/errors',
      'metrics/registry',
    ])
      for (const text of [
        `import { b } from '../../src/${path}'`,
        `import type { B } from '../../src/${path}'`,
      ])
        expect(rulesBroken('protocols/strapi/a.ts', text), text).toEqual(['protocol'])
    expect(rulesBroken('protocols/strapi/a.ts', `import { b } from '../../test/b'`)).toEqual(['outside'])
  })

  it('never import each other', () => {
    const text = `import { b } from '../versia/b'`
    expect(rulesBroken('protocols/strapi/a.ts', text)).toEqual(['protocol'])
    expect(rulesBroken('protocols/tremor/a.ts', `import { b } from '../ws-room'`)).toEqual(['protocol'])
    expect(rulesBroken('protocols/versia/a.ts', `import { b } from './b'`)).toEqual([])
  })

  it('share with the providers how assets and quotes are named, in their ready adapters alone', () => {
    const from = (up: string) => `import { b } from '${up}endpoints/common/asset-codes'`
    expect(rulesBroken('protocols/tremor/adapters/tremor/price.ts', from('../../../../'))).toEqual([])
    expect(rulesBroken('protocols/tremor/a.ts', from('../../'))).toEqual(['outside'])
    const other = `import { b } from '../../../../endpoints/kraken/symbols'`
    expect(rulesBroken('protocols/tremor/adapters/tremor/price.ts', other)).toEqual(['outside'])
  })
})

describe('packages', () => {
  it.each([
    ['fastify', 'src/http/a.ts', 'src/adapter/a.ts'],
    ['@fastify/swagger', 'src/http/a.ts', 'src/service/main.ts'],
    ['ws', 'src/connections/a.ts', 'src/transports/a.ts'],
    ['ioredis', 'src/redis/redis-cache.ts', 'src/feeds/local-cache.ts'],
    ['lru-cache', 'src/feeds/a.ts', 'src/redis/a.ts'],
    ['pino', 'src/util/logging.ts', 'src/http/a.ts'],
    ['prom-client', 'src/metrics/a.ts', 'src/adapter/a.ts'],
    ['axios', 'src/outbound-http/requester.ts', 'src/transports/http/a.ts'],
    ['avsc', 'protocols/tremor/codecs/a.ts', 'protocols/tremor/a.ts'],
    ['@noble/curves', 'protocols/ws-room/a.ts', 'protocols/versia/a.ts'],
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
    expect(rulesBroken('src/service/main.ts', 'process.env.A')).toEqual(['environment'])
    expect(rulesBroken('endpoints/acme/index.ts', 'process.env.A')).toEqual(['environment'])
    expect(rulesBroken('protocols/strapi/a.ts', 'process.env.A')).toEqual(['environment'])
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
    const text = `import { Adapter } from '../../src/public/adapter'\nimport { price } from './price'`
    expect(rulesBroken('endpoints/acme/index.ts', text)).toEqual([])
  })

  it('never import private files', () => {
    expect(rulesBroken('endpoints/acme/index.ts', `import { b } from '../../src/util/backoff'`)).toEqual([
      'endpoint',
    ])
    expect(rulesBroken('endpoints/acme/index.ts', `import type { B } from '../../src/feeds/feed'`)).toEqual([
      'endpoint',
    ])
    expect(rulesBroken('endpoints/acme/index.ts', `import { b } from '../../test/b'`)).toEqual(['outside'])
    expect(rulesBroken('endpoints/acme/index.ts', `import { b } from '../../protocols/tremor'`)).toEqual([
      'outside',
    ])
  })

  it('are imported by nothing in src/: adapters are loaded by name', () => {
    for (const path of ['endpoints/acme', 'protocols/tremor', 'test/b'])
      expect(rulesBroken('src/service/a.ts', `import { b } from '../../${path}'`), path).toEqual(['outside'])
  })
})
