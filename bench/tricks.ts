/**
 * What the service does to be fast, each with the change of the built package that takes it away: what a trick is worth is measured by
 * doing without it, and one that is worth nothing goes.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** A change of a file of the package. The text is in the file's source as well: a test notices when it is no longer there. */
export interface Change {
  /** The file's path in the package. */
  file: string
  source: string
  find: string
  replace: string
}

const CORE = 'lib/bundle.js'

export const TRICKS = {
  /** A body that is recognised is neither parsed nor validated. The fast lane has nothing to go by without it. */
  plans: {
    file: CORE,
    source: 'src/adapter/plans.ts',
    find: 'body.length > MAX_KNOWN_BODY || !endpoint.isPure || !adapter.servesVerbatim(endpoint)',
    replace: 'true',
  },
  /** WebSocket streams run without AsyncLocalStorage. */
  streamsWithoutStorage: {
    file: CORE,
    source: 'src/transports/runner.ts',
    find: 'this.isStream = transport instanceof WebSocketTransport',
    replace: 'this.isStream = false',
  },
  /** The feed of a message is found by walking maps, and its key is not spelled. */
  feedIndex: {
    file: CORE,
    source: 'src/feeds/feed-index.ts',
    find: 'if (known === 0) return this.canonicalFeed(params)',
    replace: 'return this.canonicalFeed(params)',
  },
  /** A pass waits for what else becomes wanted. */
  gathering: {
    file: CORE,
    source: 'src/transports/runner.ts',
    find: 'GATHER_TURNS = 12',
    replace: 'GATHER_TURNS = 0',
  },
  /** fastify is loaded from one file of ours. */
  serverInOneFile: {
    file: 'lib/core.js',
    source: 'scripts/core/door.cjs',
    find: "return isSame ? run('fastify'",
    replace: "return false ? run('fastify'",
  },
  /** Codecs of Tremor in which no price travels are loaded when they are first asked for. */
  lateCodecs: {
    file: 'protocols/tremor/codecs/without-prices.js',
    source: 'scripts/build.mjs',
    find: 'const lazy = {',
    replace: 'queueMicrotask(() => Object.keys(exports).forEach((name) => exports[name]))\nconst lazy = {',
  },
} satisfies Record<string, Change>

export type Trick = keyof typeof TRICKS

/** @throws Error unless there is exactly one place for the change */
export const changed = (text: string, { file, find, replace }: Change): string => {
  const pieces = text.split(find)
  if (pieces.length !== 2) throw new Error(`${file} has ${pieces.length - 1} times: ${find}`)
  return pieces.join(replace)
}

const root = path.join(__dirname, '../../..')
const packageDir = path.join(root, 'dist/package')
const compiler = path.join(root, 'scripts/core/compile.cjs')

/**
 * A copy of the built package that does without a trick, or, as a control, with all of them. Its core is compiled ahead as the build does.
 *
 * @returns its folder
 */
export const packageWithout = (trick?: Trick): string => {
  const folder = path.join(root, 'dist/without', trick ?? 'nothing')
  rmSync(folder, { recursive: true, force: true })
  cpSync(packageDir, folder, { recursive: true })
  if (trick !== undefined) {
    const change = TRICKS[trick]
    const file = path.join(folder, change.file)
    writeFileSync(file, changed(readFileSync(file, 'utf8'), change))
  }
  const { status, stderr } = spawnSync(process.execPath, [compiler, folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The package without ${trick ?? 'nothing'} does not start: ${stderr}`)
  return folder
}
