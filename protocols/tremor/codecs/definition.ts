import { DefinitionError } from './errors'

/** A codec or a stage as an operator names it. */
export interface Named {
  name: string
  /** Undefined where there was no `config` key; `null` where there was one with that value. */
  config: unknown
}

export type JsonRecord = Readonly<Record<string, unknown>>

export const isJsonRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Reads `name` or `{name, config?}`; further keys are ignored.
 *
 * @param what names the place in the refusal: `codec`, `preprocessors`
 * @throws DefinitionError
 */
export function readNamed(definition: unknown, what: string): Named {
  if (typeof definition === 'string') return { name: definition, config: undefined }
  if (isJsonRecord(definition) && typeof definition.name === 'string') {
    return {
      name: definition.name,
      config: Object.hasOwn(definition, 'config') ? definition.config : undefined,
    }
  }
  throw new DefinitionError(`${what}: expected a name or a record with a name`)
}

/** Reads a list of names; an absent list is an empty one. */
export function readNamedList(definition: unknown, what: string): Named[] {
  if (definition === undefined) return []
  if (!Array.isArray(definition)) throw new DefinitionError(`${what}: expected a list`)
  return definition.map((entry) => readNamed(entry, what))
}

/** The entry of a table of names, for what an operator named. */
export function lookUp<T>(table: ReadonlyMap<string, T>, name: string, what: string): T {
  const found = table.get(name)
  if (found === undefined) {
    throw new DefinitionError(
      `${what}: ${JSON.stringify(name)} is unknown; there are ${[...table.keys()].join(', ')}`,
    )
  }
  return found
}

/** A config record that knows its keys; an absent one is empty. */
export function strictConfig(config: unknown, keys: readonly string[], what: string): JsonRecord {
  if (config === undefined) return {}
  if (!isJsonRecord(config)) throw new DefinitionError(`${what}: config must be a record`)
  for (const key of Object.keys(config)) {
    if (!keys.includes(key)) {
      throw new DefinitionError(`${what}: config key ${JSON.stringify(key)} is unknown`)
    }
  }
  return config
}

/** A whole number >= 0, or undefined where the key is absent. */
export function wholeNumber(config: JsonRecord, key: string, what: string): number | undefined {
  const value = config[key]
  if (value === undefined) return undefined
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new DefinitionError(`${what}: ${key} must be a whole number >= 0`)
  }
  return value as number
}
