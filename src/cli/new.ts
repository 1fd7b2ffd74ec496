import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { ownVersion } from '../config/own-version'
import { type Command, FAILED, MisuseError, OK, parsed, print } from './command'

const OPTIONS = {
  transport: { type: 'string', default: 'ws' },
  tickwell: { type: 'string' },
  help: { type: 'boolean' },
} as const

export const KINDS = ['ws', 'http', 'sse', 'custom']

export const USAGE = `Usage: tickwell new [--transport ${KINDS.join('|')}] [--tickwell <spec>] <provider> <endpoint>

Writes the folder <provider> with an adapter that has one endpoint, its test and what it is built with. Both names are in lower
case, with digits and single hyphens (acme-prices); the adapter's own name is the provider's in upper case.

  --transport  how prices come: ws (default), http, sse, or custom for a transport of your own
  --tickwell   where npm finds this package: a path of a folder or a tarball, or a version; by default this version

Ends with 1 when the folder exists already; nothing is overwritten.`

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

const checkName = (what: string, name: string | undefined): string => {
  if (name !== undefined && NAME.test(name)) return name
  throw new MisuseError(`The ${what} must be a name like "acme-prices", not ${JSON.stringify(name ?? '')}`)
}

const templates = (kind: string): string => join(__dirname, 'templates', kind)

/** The files of a kind of adapter, by their place in the new folder. Those of the kind go before those that all have. */
const filesOf = (kind: string, endpoint: string): Map<string, string> => {
  const found = new Map<string, string>()
  for (const folder of [templates('common'), templates(kind)]) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const from = join(entry.parentPath, entry.name)
      found.set(targetOf(relative(folder, from), endpoint), from)
    }
  }
  return found
}

/** npm takes no `.gitignore` along, and a build would compile what ends with `.ts`; so templates have other names. */
const targetOf = (path: string, endpoint: string): string =>
  path
    .replace(/\.txt$/, '')
    .replace(/^gitignore$/, '.gitignore')
    .replace(/^check(.)endpoint\.ts$/, `test$1${endpoint}.test.ts`)
    .replace(/^check(.)fixture\.json$/, `test$1${endpoint}.fixture.json`)
    .replace(/endpoint\.ts$/, `${endpoint}.ts`)

const dependencyOn = (spec: string | undefined): string => {
  if (spec === undefined) return `^${ownVersion()}`
  return existsSync(spec) ? `file:${resolve(spec)}` : spec
}

/** @throws MisuseError for names and options that there are not */
export const newAdapter: Command = async (args) => {
  const { values, positionals } = parsed({ args, options: OPTIONS, allowPositionals: true })
  if (values.help) {
    await print(USAGE)
    return OK
  }
  const provider = checkName('provider', positionals[0])
  const endpoint = checkName('endpoint', positionals[1])
  if (positionals.length > 2)
    throw new MisuseError(`Two names are wanted, not ${positionals.slice(2).join(', ')} too`)
  if (!KINDS.includes(values.transport))
    throw new MisuseError(`There is no transport "${values.transport}"; there are ${KINDS.join(', ')}`)
  if (statSync(provider, { throwIfNoEntry: false }) !== undefined) {
    await print(`${provider} exists already, and is left as it is`, process.stderr)
    return FAILED
  }
  const words: Record<string, string> = {
    PROVIDER: provider,
    ENDPOINT: endpoint,
    NAME: provider.toUpperCase(),
    TICKWELL: dependencyOn(values.tickwell),
  }
  const files = filesOf(values.transport, endpoint)
  for (const [to, from] of files) {
    const file = join(provider, to)
    mkdirSync(dirname(file), { recursive: true })
    const text = readFileSync(from, 'utf8').replace(
      /__([A-Z]+)__/g,
      (whole, word: string) => words[word] ?? whole,
    )
    writeFileSync(file, text)
  }
  await print(`Written to ${provider}:\n${[...files.keys()]
    .sort()
    .map((file) => `  ${file}`)
    .join('\n')}\n
Next:
  cd ${provider}
  npm install && npm test && npm run build && npm start`)
  return OK
}
