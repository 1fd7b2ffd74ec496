/** Writes .env.example: every setting of the service and of its adapters, from their definitions. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { availableAdapters } from '../src/service/catalogue'
import { type AdapterConfig } from '../src/config/adapter-config'
import { BaseSettingsDefinition } from '../src/config/base-settings'
import { MATTER_MOST, settingsReference, type SettingReferenceRow } from '../src/config/reference'
import { ServiceSettingsDefinition } from '../src/config/service-settings'
import { type ValidSettingValue } from '../src/config/settings'

const root = join(__dirname, '..')

/** Settings under one heading, with the names that the environment has for them. */
export interface Section {
  title: string
  /** What the names of an adapter's settings start with. */
  prefix?: string
  rows: SettingReferenceRow[]
}

interface LoadedAdapter {
  name: string
  config: AdapterConfig
}

interface Exports {
  adapter?: LoadedAdapter
}

/** What these files export as `adapter`; one that exports none has none. */
async function adaptersIn(files: Iterable<string>): Promise<LoadedAdapter[]> {
  const found: LoadedAdapter[] = []
  for (const file of files) {
    const module = (await import(pathToFileURL(file).href)) as Exports & { default?: Exports }
    const adapter = module.adapter ?? module.default?.adapter
    if (adapter) found.push(adapter)
  }
  return found
}

/**
 * Every setting there is: the framework's, the service's, and each adapter's own under its prefix; those that matter most come first.
 *
 * @param adapters - by name, the file that each is in
 */
export async function settingSections(adapters = availableAdapters()): Promise<Section[]> {
  const loaded = await adaptersIn(adapters.values())
  const framework = settingsReference(BaseSettingsDefinition).map((row) => withOwnDefaults(row, loaded))
  const service = settingsReference(ServiceSettingsDefinition)
  const isFirst = ({ name }: SettingReferenceRow) => MATTER_MOST.includes(name)
  const byRank = (one: SettingReferenceRow, other: SettingReferenceRow) =>
    MATTER_MOST.indexOf(one.name) - MATTER_MOST.indexOf(other.name)
  return [
    { title: 'What matters most', rows: [...framework, ...service].filter(isFirst).sort(byRank) },
    { title: 'Service', rows: service.filter((row) => !isFirst(row)) },
    { title: 'Framework', rows: framework.filter((row) => !isFirst(row)) },
    ...loaded.map(sectionOf),
  ]
}

/** Every adapter that has a default of its own for a setting of the framework has it in its own section, too. */
function sectionOf({ name, config }: LoadedAdapter): Section {
  const prefix = config.options?.envVarsPrefix
  const changed = settingsReference(BaseSettingsDefinition).flatMap((row) => {
    const own = ownDefault(config, row.name)
    return own === undefined ? [] : [{ ...row, default: own }]
  })
  const rows = [...settingsReference(config.settingsDefinition), ...(prefix ? changed : [])]
  return {
    title: `Adapter ${name}`,
    prefix,
    rows: prefix ? rows.map((row) => ({ ...row, name: `${prefix}_${row.name}` })) : rows,
  }
}

function ownDefault({ options }: AdapterConfig, name: string): ValidSettingValue | undefined {
  const overrides: Record<string, ValidSettingValue | undefined> = options?.envDefaultOverrides ?? {}
  return overrides[name]
}

function withOwnDefaults(row: SettingReferenceRow, adapters: LoadedAdapter[]): SettingReferenceRow {
  const own = adapters.flatMap(({ name, config }): [string, ValidSettingValue][] => {
    const value = ownDefault(config, row.name)
    return value === undefined ? [] : [[name, value]]
  })
  return own.length === 0 ? row : { ...row, ownDefaults: new Map(own) }
}

/** The text of .env.example. Every line is a comment: a copy changes nothing until it is edited. */
export function renderEnvExample(sections: Section[]): string {
  const head = [
    '# Every setting, with its default. Copy to .env, remove the # of a line and give it a value.',
    '# Unset and empty mean the same: the default. Where adapters have defaults of their own, a line gives them all one value, and',
    '# that with the prefix of an adapter gives it to that one. Times are in milliseconds where nothing else is said.',
    '# A secret may be in a file instead: <NAME>_FILE is its path. `tickwell check` says what is wrong, and where values come from.',
    '# Generated from the definitions: npm run env-example',
  ]
  const blocks = sections.map((section) => [heading(section), ...section.rows.map(renderRow)].join('\n\n'))
  return `${[head.join('\n'), ...blocks].join('\n\n')}\n`
}

function heading({ title, prefix }: Section): string {
  const rest = prefix && `# A setting of the framework, for this adapter alone: ${prefix}_<NAME>`
  return [`# == ${title} ==`, rest].filter(Boolean).join('\n')
}

function renderRow(row: SettingReferenceRow): string {
  const description = row.description.replace(/\s+/g, ' ').trim().replace(/\.$/, '')
  // One value for all would change what is different on purpose.
  const shown = row.sensitive || row.ownDefaults ? '' : literal(row.default)
  return `# ${description} (${facts(row)})\n#${row.name}=${shown}`
}

function facts({
  type,
  options,
  min,
  max,
  default: value,
  required,
  sensitive,
  ownDefaults = new Map(),
}: SettingReferenceRow): string {
  const hasDefault = value !== undefined && value !== ''
  return [
    options ? `one of ${options.join(' | ')}` : type,
    range(min, max),
    hasDefault && !sensitive && `default ${value}`,
    ...(sensitive ? [] : [...ownDefaults].map(([adapter, own]) => `${own} for ${adapter}`)),
    !hasDefault && required && 'required',
    sensitive && 'secret',
  ]
    .filter(Boolean)
    .join(', ')
}

function range(min: number | undefined, max: number | undefined): string | undefined {
  if (min === undefined) return max === undefined ? undefined : `at most ${max}`
  return max === undefined ? `at least ${min}` : `${min} to ${max}`
}

/** Quoted where a reader of .env files would stop early or strip something. */
function literal(value: SettingReferenceRow['default']): string {
  const text = value === undefined ? '' : String(value)
  return /[\s#'"$]/.test(text) ? `'${text}'` : text
}

async function main(): Promise<void> {
  writeFileSync(join(root, '.env.example'), renderEnvExample(await settingSections()))
}

if (process.argv[1] === __filename) void main()
