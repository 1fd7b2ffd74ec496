import { isBelow, isRelative, floorOf, resolve, roomOf } from './house'
import { type Import, type ReadModule, readModule } from './module-reader'

/** One home per package: the files that may load it at run time (types may be named anywhere). */
export const packageHomes: readonly { packages: RegExp; home: RegExp }[] = [
  { packages: /^(fastify|@fastify\/.+)$/, home: /^src\/(http|testing)\// },
  { packages: /^ws$/, home: /^src\/(connections|testing)\// },
  { packages: /^ioredis$/, home: /^src\/redis\// },
  { packages: /^lru-cache$/, home: /^src\/(adapter|feeds|http)\// },
  { packages: /^pino(-pretty)?$/, home: /^src\/util\/logging(\/|\.ts$)/ },
  { packages: /^prom-client(\/|$)/, home: /^src\/metrics\// },
  { packages: /^axios$/, home: /^src\/outbound-http\// },
  { packages: /^eventsource$/, home: /^src\/transports\/sse\// },
  { packages: /^undici$/, home: /^src\/transports\/sse\// },
  { packages: /^proxy-from-env$/, home: /^src\/config\/outbound-proxy\.ts$/ },
  { packages: /^mock-socket$/, home: /^src\/testing\// },
  { packages: /^@noble\/.+$/, home: /^(protocols\/ws-room\/|src\/validation\/addresses\.ts$)/ },
  { packages: /^@scure\/base$/, home: /^src\/validation\/addresses\.ts$/ },
  {
    packages: /^(@bokuweb\/zstd-wasm|@napi-rs\/lzma|lz4-napi|snappy|avsc|yaml)$/,
    home: /^protocols\/tremor\/codecs\//,
  },
  { packages: /^@bufbuild\/.+$/, home: /^protocols\/[a-z-]+\// },
  // Schemas stand beside what they describe.
  { packages: /^@sinclair\/typebox$/, home: /^src\// },
]

/** Who reads the environment, and which variables when not all. */
const environmentReaders: readonly { files: RegExp; names?: ReadonlySet<string> }[] = [
  { files: /^src\/config\// },
  { files: /^src\/testing\// }, // contract 15: `setEnvVariables`
  {
    files: /^src\/util\//, // contract 7.1: logging and redaction read these straight from the environment
    names: new Set([
      'LOG_LEVEL',
      'LOG_FORMAT',
      'INSTANCE',
      'DEBUG',
      'CORRELATION_ID_ENABLED',
      'CENSOR_SENSITIVE_LOGS',
    ]),
  },
  { files: /^src\/metrics\//, names: new Set(['npm_package_version']) },
]

/** What a protocol may import of src/ beside the public files: what an author of transports of their own would need, and no more. */
const openToProtocols = /^src\/(connections|config|util|transports\/peer)\//

export interface Violation {
  /** Path from the repository's root. */
  file: string
  line: number
  rule: 'floor' | 'public' | 'work' | 'protocol' | 'package' | 'environment' | 'endpoint' | 'outside' | 'room'
  message: string
}

type Report = (at: { line: number }, rule: Violation['rule'], message: string) => void

const isPublic = (file: string): boolean => file.startsWith('src/public/')

const protocolOf = (path: string): string | undefined => /^protocols\/([^/.]+)/.exec(path)?.[1]

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/**
 * Checks every file of src/, endpoints/ and protocols/ against the rules above.
 *
 * @param files path from the repository's root to text; they are also what imports are resolved against
 */
export function checkImports(files: ReadonlyMap<string, string>): Violation[] {
  const violations: Violation[] = []
  for (const [file, text] of files) {
    const report: Report = ({ line }, rule, message) => violations.push({ file, line, rule, message })
    const module = readModule(file, text)
    checkEnvironment(file, module, report)
    if (file.startsWith('src/')) checkRoom(file, report)
    if (isPublic(file)) checkPublicFile(module, report)
    for (const entry of module.imports) {
      if (isRelative(entry)) checkImport(file, resolve(file, entry.specifier, files), entry, report)
      else if (!file.startsWith('endpoints/')) checkPackage(file, entry, report)
    }
  }
  return violations
}

function checkImport(file: string, target: string, entry: Import, report: Report): void {
  if (file.startsWith('endpoints/')) checkEndpoint(target, entry, report)
  else if (protocolOf(file) !== undefined) checkProtocol(file, target, entry, report)
  else checkSource(file, target, entry, report)
}

function checkRoom(file: string, report: Report): void {
  if (floorOf(roomOf(file)) === -1) report({ line: 1 }, 'room', `${roomOf(file)} is on no floor`)
}

/** Adapters' tests replace these modules: what they do besides naming others would be lost, or done twice. */
function checkPublicFile({ statements, comment }: ReadModule, report: Report): void {
  for (const { line, isReexport } of statements)
    if (!isReexport) report({ line }, 'work', 'a public file re-exports, and does nothing else')
  if (!/The work is in /.test(comment))
    report({ line: 1 }, 'work', 'the first line of a public file says where the work is')
}

function checkEnvironment(file: string, { environment }: ReadModule, report: Report): void {
  const reader = environmentReaders.find(({ files }) => files.test(file))
  for (const read of environment) {
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

function checkPackage(file: string, entry: Import, report: Report): void {
  if (entry.typeOnly || entry.specifier.startsWith('node:')) return
  const name = packageOf(entry.specifier)
  const rule = packageHomes.find(({ packages }) => packages.test(name))
  if (!rule)
    report(
      entry,
      'package',
      `${name} has no home: give it one in packageHomes, or spell a built-in with node:`,
    )
  else if (!rule.home.test(file)) report(entry, 'package', `${name} is loaded elsewhere than in its home`)
}

function checkEndpoint(target: string, entry: Import, report: Report): void {
  if (target.startsWith('endpoints/')) return
  if (!target.startsWith('src/')) report(entry, 'outside', `${target} lies outside endpoints/ and src/`)
  else if (!isPublic(target))
    report(entry, 'endpoint', `${target} is private: endpoints are written against src/public/`)
}

function checkProtocol(file: string, target: string, entry: Import, report: Report): void {
  const [mine, theirs] = [protocolOf(file), protocolOf(target)]
  if (theirs !== undefined) {
    if (mine !== theirs) report(entry, 'protocol', `${mine} imports ${theirs}`)
    return
  }
  // Ready adapters name assets and quotes as those of the providers do.
  if (target.startsWith('endpoints/common/') && file.startsWith(`protocols/${mine}/adapters/`)) return
  if (!target.startsWith('src/'))
    report(entry, 'outside', `${target} lies outside protocols/${mine}/ and src/`)
  else if (!isPublic(target) && !openToProtocols.test(target))
    report(
      entry,
      'protocol',
      `${target} is private: protocols are written against src/public/, connections, config, util and the peer transport`,
    )
}

function checkSource(file: string, target: string, entry: Import, report: Report): void {
  if (!target.startsWith('src/')) return report(entry, 'outside', `${target} lies outside src/`)
  const [mine, theirs] = [roomOf(file), roomOf(target)]
  if (mine === theirs) return
  if (theirs === 'public') report(entry, 'public', `${target} is public, and adapters' tests replace it`)
  else if (!isBelow(theirs, mine))
    report(entry, 'floor', `${mine}/ imports ${theirs}/, which is not below it`)
}
