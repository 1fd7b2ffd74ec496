import { posix } from 'node:path'
import { publicFiles, publicFilesForTheInside } from './public-files'
import { readModule, type Import } from './module-reader'

/** Floors of the house, ground floor first. A room imports from itself and from lower floors only. */
export const floors: readonly (readonly string[])[] = [
  ['util', 'codecs'],
  ['metrics'],
  ['validation'],
  ['config'],
  ['cache', 'subscriptions', 'rate-limiting'],
  ['transports'],
  ['adapter'],
  ['background'],
  ['http'],
  ['workers'],
]

/** The top floor is one room: the root files, the command line, the harness. */
const top = 'top'
/** Rooms that exist only for a path that the contract wants: they hold public files and nothing else. */
const contractRooms = new Set(['debug', 'status'])
const protocolRooms = ['strapi', 'versia', 'ws-room', 'tremor']

/** One home per package: the files that may load it at run time (types may be named anywhere). */
export const packageHomes: readonly { packages: RegExp; home: RegExp }[] = [
  { packages: /^(fastify|@fastify\/.+)$/, home: /^(http|testing)\// },
  { packages: /^ws$/, home: /^(transports\/(websocket(\/|\.ts$)|link\/)|testing\/|cli\/)/ },
  { packages: /^ioredis$/, home: /^cache\/redis/ },
  { packages: /^lru-cache$/, home: /^(cache|http)\// },
  { packages: /^pino(-pretty)?$/, home: /^util\/logging(\/|\.ts$)/ },
  { packages: /^prom-client(\/|$)/, home: /^metrics\// },
  { packages: /^axios$/, home: /(^|\/)requester/ },
  { packages: /^eventsource$/, home: /^transports\/sse/ },
  { packages: /^mock-socket$/, home: /^testing\// },
  { packages: /^@noble\/.+$/, home: /^(transports\/ws-room\/|validation\/addresses\.ts$)/ },
  { packages: /^@scure\/base$/, home: /^validation\/addresses\.ts$/ },
  {
    packages: /^(@bokuweb\/zstd-wasm|@napi-rs\/lzma|lz4-napi|snappy|avsc|yaml)$/,
    home: /^codecs\//,
  },
  { packages: /^@bufbuild\/.+$/, home: /^(codecs|transports\/[a-z-]+)\// },
  { packages: /^@sinclair\/typebox$/, home: /^http\// },
]

/** Who reads the environment, and which variables when not all. */
const environmentReaders: readonly { files: RegExp; names?: ReadonlySet<string> }[] = [
  { files: /^src\/config\// },
  { files: /^src\/testing\// }, // contract 15: `setEnvVariables`
  {
    files: /^src\/util\//, // contract 7.1: logging and redaction read these straight from the environment
    names: new Set(['LOG_LEVEL', 'DEBUG', 'CORRELATION_ID_ENABLED', 'CENSOR_SENSITIVE_LOGS']),
  },
  { files: /^src\/metrics\//, names: new Set(['npm_package_version']) },
]

export interface Violation {
  /** Path from the repository's root. */
  file: string
  line: number
  rule: 'floor' | 'public' | 'protocol' | 'package' | 'environment' | 'endpoint' | 'outside' | 'room'
  message: string
}

type Report = (at: { line: number }, rule: Violation['rule'], message: string) => void

const roomOf = (path: string): string => {
  const [first, rest] = path.split('/')
  return rest === undefined || first === 'cli' || first === 'testing' ? top : (first ?? top)
}

const floorOf = (room: string): number => {
  const floor = floors.findIndex((rooms) => rooms.includes(room))
  return floor === -1 ? floors.length : floor
}

const protocolOf = (path: string): string | undefined =>
  protocolRooms.find((name) => new RegExp(`^transports/${name}(/|\\.ts$)`).test(path))

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/**
 * Checks every file of src/ and endpoints/ against the rules above.
 *
 * @param files path from the repository's root to text; they are also what imports are resolved against
 */
export function checkImports(files: ReadonlyMap<string, string>): Violation[] {
  const violations: Violation[] = []
  for (const [file, text] of files) {
    const report: Report = ({ line }, rule, message) => violations.push({ file, line, rule, message })
    const { imports, environment } = readModule(file, text)
    checkEnvironment(file, environment, report)
    for (const entry of imports) {
      if (!entry.specifier.startsWith('.')) {
        if (file.startsWith('src/')) checkPackage(file.slice('src/'.length), entry, report)
        continue
      }
      const target = resolve(file, entry.specifier, files)
      if (file.startsWith('endpoints/')) checkEndpoint(target, entry, report)
      else checkSource(file.slice('src/'.length), target, entry, report)
    }
    if (file.startsWith('src/')) checkRoom(file.slice('src/'.length), report)
  }
  return violations
}

function checkRoom(path: string, report: Report): void {
  const room = roomOf(path)
  const isKnown = room === top || contractRooms.has(room) || floors.some((rooms) => rooms.includes(room))
  if (!isKnown) report({ line: 1 }, 'room', `${room}/ is on no floor`)
  else if (contractRooms.has(room) && !publicFiles.has(path)) {
    report({ line: 1 }, 'room', `${room}/ is there for public files alone`)
  }
}

function resolve(from: string, specifier: string, files: ReadonlyMap<string, string>): string {
  const path = posix.join(posix.dirname(from), specifier).replace(/\/$/, '')
  const stem = path.replace(/\.js$/, '')
  const candidates = [path, `${stem}.ts`, `${path}/index.ts`]
  return candidates.find((candidate) => files.has(candidate)) ?? (posix.extname(path) ? path : `${path}.ts`)
}

function checkEnvironment(
  file: string,
  reads: readonly { name: string | undefined; line: number }[],
  report: Report,
): void {
  const reader = environmentReaders.find(({ files }) => files.test(file))
  for (const read of reads) {
    if (reader === undefined) report(read, 'environment', 'the environment is read in config/')
    else if (reader.names && !reader.names.has(read.name ?? '')) {
      report(
        read,
        'environment',
        `this file may read ${[...reader.names].join(', ')}, not ${read.name ?? 'all of it'}`,
      )
    }
  }
}

function checkPackage(path: string, entry: Import, report: Report): void {
  if (entry.typeOnly || entry.specifier.startsWith('node:')) return
  const name = packageOf(entry.specifier)
  const rule = packageHomes.find(({ packages }) => packages.test(name))
  if (!rule)
    report(
      entry,
      'package',
      `${name} has no home: give it one in packageHomes, or spell a built-in with node:`,
    )
  else if (!rule.home.test(path)) report(entry, 'package', `${name} is loaded elsewhere than in its home`)
}

function checkEndpoint(target: string, entry: Import, report: Report): void {
  if (target.startsWith('endpoints/')) return
  if (!target.startsWith('src/')) report(entry, 'outside', `${target} is not part of the package`)
  else if (!publicFiles.has(target.slice('src/'.length))) {
    report(entry, 'endpoint', `${target} is private: endpoints are written against the public files`)
  }
}

function checkSource(path: string, target: string, entry: Import, report: Report): void {
  if (!target.startsWith('src/')) {
    const loadsAdapters = target.startsWith('endpoints') && roomOf(path) === top && !publicFiles.has(path)
    if (!loadsAdapters) report(entry, 'outside', `${target} lies outside src/`)
    return
  }
  const imported = target.slice('src/'.length)
  const mine = protocolOf(path)
  const theirs = protocolOf(imported)
  if (mine && theirs && mine !== theirs) report(entry, 'protocol', `${mine} imports ${theirs}`)
  if (publicFiles.has(path)) {
    // A public path is where the contract wants it: it re-exports from any floor, and types cost nothing.
    if (entry.reexport || entry.typeOnly) return
  } else if (entry.typeOnly && imported === 'util/types.ts') return
  checkPublic(path, imported, entry, report)
  checkFloor(path, imported, entry, report)
}

function checkPublic(path: string, imported: string, entry: Import, report: Report): void {
  if (!publicFiles.has(imported) || publicFilesForTheInside.get(imported)?.test(path)) return
  report(
    entry,
    'public',
    `${imported} is public, and adapters' tests replace it: import the private file behind it`,
  )
}

function checkFloor(path: string, imported: string, entry: Import, report: Report): void {
  const [mine, theirs] = [roomOf(path), roomOf(imported)]
  if (mine === theirs) {
    if (imported.startsWith('testing/') && !/^(testing|cli)\//.test(path)) {
      report(entry, 'floor', `${path} imports the harness`)
    }
    return
  }
  if (floorOf(theirs) >= floorOf(mine))
    report(entry, 'floor', `${mine}/ imports ${theirs}/, which is not below it`)
}
