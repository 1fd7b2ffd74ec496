import { TransferError } from '../errors'

export type Scalar = string | number | boolean

/** Rows in which each of these attributes has the value, or one of the values. */
export type RowMatch = Readonly<Record<string, Scalar | readonly Scalar[]>>

/**
 * What a push deletes before it inserts; there is no other way to change a row (spec 9.2). There is no default: the caller has to choose.
 *
 * - `append`: nothing. Rows pile up.
 * - `replace-types`: every row of these types, also those that somebody else wrote.
 * - `replace-matching`: the rows of one type that at least one of the matches fits.
 *
 * What Strapi's protocol could delete beyond that (content that is not listed, assets, core settings, webhooks) cannot be asked for.
 */
export type PushMode =
  | { kind: 'append' }
  | { kind: 'replace-types'; types: readonly string[] }
  | { kind: 'replace-matching'; type: string; matches: readonly RowMatch[] }

/** Alternatives in one filter: SQLite takes 32 766 values in one query, and a tree of 1 000 terms. */
const MAX_MATCHES = 400
const MAX_VALUES = 10_000

const unsafe = (message: string): TransferError =>
  new TransferError('mode-unsafe', `Refused to push: ${message}`)

/** A push may touch content of the site's own types only: no users, files or settings, and no data of plugins. */
export const isPushable = (type: string): boolean => /^api::[a-z0-9-]+\.[a-z0-9-]+$/.test(type)

/** `id` and `documentId` are the server's; operators (`$not`, `$null`) could match far more than they look like. */
const isAttributeName = (name: string): boolean =>
  /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && name !== 'id' && name !== 'documentId'

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value))

const termOf = (value: Scalar | readonly Scalar[]): Scalar | { $in: readonly Scalar[] } => {
  // An undefined would vanish from the JSON, and with it the restriction.
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (values.length === 0 || !values.every(isScalar))
    throw unsafe('a filter needs at least one plain value for each of its attributes')
  return Array.isArray(value) ? { $in: values } : (value as Scalar)
}

const alternativeOf = (match: RowMatch) => {
  const names = Object.keys(match)
  if (names.length === 0) throw unsafe('a filter without attributes would match every row')
  const odd = names.find((name) => !isAttributeName(name))
  if (odd !== undefined) throw unsafe(`a filter cannot be on "${odd}"`)
  return Object.fromEntries(names.map((name) => [name, termOf(match[name]!)]))
}

const whereOf = (matches: readonly RowMatch[]) => {
  if (matches.length === 0) throw unsafe('a filter without alternatives would match every row')
  const values = matches.flatMap((match) => Object.values(match).flat()).length
  if (matches.length > MAX_MATCHES || values > MAX_VALUES)
    throw unsafe(`a filter has at most ${MAX_MATCHES} alternatives and ${MAX_VALUES} values`)
  const [first, ...others] = matches.map(alternativeOf)
  return others.length === 0 ? first : { $or: [first, ...others] }
}

const checked = (types: readonly string[]): readonly string[] => {
  if (types.length === 0) throw unsafe('no type is named whose rows are to be replaced')
  const odd = types.find((type) => !isPushable(type))
  if (odd !== undefined) throw unsafe(`"${odd}" is no content type of the site's own (api::…)`)
  return types
}

/** Options for `init`. All of them are given, because Strapi deletes whatever is left out there. */
export interface PushOptions {
  strategy: 'restore'
  restore: {
    assets: false
    entities: { include: readonly string[]; params?: { where: unknown } }
    configuration: { coreStore: false; webhook: false }
  }
}

/** @throws TransferError `mode-unsafe` for everything that deletes more than it names */
export const optionsOf = (mode: PushMode): PushOptions => ({
  strategy: 'restore',
  restore: { assets: false, entities: entitiesOf(mode), configuration: { coreStore: false, webhook: false } },
})

const entitiesOf = (mode: PushMode): PushOptions['restore']['entities'] => {
  switch (mode.kind) {
    case 'append':
      return { include: [] }
    case 'replace-types':
      return { include: checked(mode.types) }
    case 'replace-matching':
      return { include: checked([mode.type]), params: { where: whereOf(mode.matches) } }
    default:
      // Left out of the options, it would be everything.
      throw unsafe('no such mode')
  }
}

/** Whether a mode deletes anything: only then `beforeTransfer` has a place. */
export const deletes = (mode: PushMode): boolean => mode.kind !== 'append'

/** Attributes that every row has in its filter: rows with other values of these stay. */
export const boundAttributes = (mode: PushMode, type: string): ReadonlySet<string> => {
  if (mode.kind !== 'replace-matching' || mode.type !== type) return new Set()
  const [first = {}, ...others] = mode.matches
  return new Set(Object.keys(first).filter((name) => others.every((match) => name in match)))
}
