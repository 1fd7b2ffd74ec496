import { type AnyConfig } from './adapter-config'
import { SettingNames } from './misspelt'
import { fileVariable } from './secret-file'

const END_OF_FILE = fileVariable('')

const none = (name: string, of: string, meant: string | undefined): string =>
  `${name} looks like a setting${of}, but there is none of that name${meant === undefined ? '' : `. Is ${meant} meant?`}`

/** What is to be said of a variable without a prefix; undefined for one that has nothing to do with us. */
const lineFor = (name: string, known: ReadonlySet<string>, names: SettingNames): string | undefined => {
  if (name.endsWith(END_OF_FILE) && known.has(name.slice(0, -END_OF_FILE.length)))
    return `${name} has no effect, because only secrets are read from files`
  const meant = names.nearest(name)
  return meant !== undefined || names.areAlike(name) ? none(name, '', meant) : undefined
}

/** Those that have the prefix of an adapter. */
const linesOfPrefix = (adapter: string, config: AnyConfig): string[] => {
  const unknown = config.unknownVariables()
  if (unknown.length === 0) return []
  const names = new SettingNames(config.variables(config.options?.envVarsPrefix))
  return unknown.map((name) => none(name, ` of ${adapter}`, names.nearest(name)))
}

/**
 * A line for each environment variable that looks like a setting and has no effect: a misspelt name, with an adapter's prefix or without one,
 * and a name without the prefix where only those with it are read.
 *
 * @param adapters - by the names that lines have for them
 * @param others - names of settings that belong to no adapter
 */
export const uselessVariables = (
  adapters: ReadonlyMap<string, AnyConfig>,
  others: readonly string[],
): string[] => {
  const configs = [...adapters.values()]
  const prefixes = configs.flatMap(({ options }) => options?.envVarsPrefix ?? []).filter(Boolean)
  const bare = configs.map((config) => config.bareVariables())
  const read = new Set([...others, ...bare.flatMap((one) => one.read)])
  const unread = new Map(bare.flatMap((one) => [...one.unread]))
  const known = new Set([...read, ...unread.keys()])
  const names = new SettingNames(known)
  const lines = [...adapters].flatMap(([adapter, config]) => linesOfPrefix(adapter, config))
  for (const name of Object.keys(process.env)) {
    if (read.has(name) || prefixes.some((prefix) => name.startsWith(`${prefix}_`))) continue
    const variable = unread.get(name)
    const line =
      variable === undefined
        ? lineFor(name, known, names)
        : `${name} has no effect, because ${variable} is read`
    if (line !== undefined) lines.push(line)
  }
  return lines
}
