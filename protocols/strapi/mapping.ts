import { toNumber, toUnixMs } from './decimal'

/**
 * What an attribute has to be:
 *
 * - `number`: a JSON number or decimal text, as a number
 * - `text`: text that is not empty, without blanks around it
 * - `time`: ISO 8601 with a zone, as Unix ms
 * - `boolean`
 * - `json`: anything, unchecked
 */
export type AttributeKind = 'number' | 'text' | 'time' | 'boolean' | 'json'

export type Attributes = Readonly<Record<string, AttributeKind>>

interface Values {
  number: number
  text: string
  time: number
  boolean: boolean
  json: unknown
}

/** One published row, with the attributes that its mapping names and no others. */
export interface Row<A extends Attributes = Attributes> {
  id: number
  documentId: string
  locale: string | null
  /** When the row was changed last, by the server's clock, in Unix ms; 0 where it says nothing. */
  updatedAtUnixMs: number
  attributes: { readonly [K in keyof A]: Values[A[K]] }
}

/** From the rows of one content type to results. */
export interface ContentTypeMapping<R, A extends Attributes = Attributes> {
  /** Identifier such as `api::price.price`. Never one of `admin::`. */
  contentType: string
  /**
   * Attributes that a row must have, and what each has to be; `createdAt`, `updatedAt` and `publishedAt` are attributes too. A row in
   * which one is null, absent or something else is refused, by itself. No other attribute is looked at.
   */
  attributes: A
  /** Of an internationalised content type: the locale whose rows count. Rows without a locale always count. Default: those only. */
  locale?: string
  /** A row as a result; undefined for a row that belongs to no feed. If it throws, only that row is lost. */
  map(row: Row<A>): R | undefined
}

/** Lets `map` know the types of the attributes that the mapping names. */
export const contentTypeMapping = <R, const A extends Attributes>(
  mapping: ContentTypeMapping<R, A>,
): ContentTypeMapping<R, A> => mapping

const readers: Record<AttributeKind, (value: unknown) => unknown> = {
  number: toNumber,
  text: (value) => (typeof value === 'string' && value !== '' && value.trim() === value ? value : undefined),
  time: toUnixMs,
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  json: (value) => value ?? undefined,
}

/** Why a row is not used. A closed set: those that are faults are metric labels. */
export type RowRefusal = 'row-malformed' | 'attribute-refused' | 'locale-unchosen'

export type RowReading =
  | { is: 'row'; row: Row }
  /** Not meant to be served: a draft, or another locale. */
  | { is: 'unserved' }
  /** `detail` names the attribute, never its value. */
  | { is: 'refused'; reason: RowRefusal; detail: string }

const refused = (reason: RowRefusal, detail: string): RowReading => ({ is: 'refused', reason, detail })

/**
 * Reads one row under a mapping. A document that was changed after publishing has a draft row beside its published one, with other
 * values: only rows with a time of publication count (spec 8.4).
 *
 * @param data - of an entity, or an entry of the REST interface
 */
export const readRow = (
  mapping: ContentTypeMapping<unknown>,
  id: number,
  data: Readonly<Record<string, unknown>>,
): RowReading => {
  const { documentId, publishedAt, updatedAt, locale = null } = data
  if (publishedAt === null) return { is: 'unserved' }
  if (toUnixMs(publishedAt) === undefined) return refused('row-malformed', 'publishedAt')
  if (typeof documentId !== 'string' || documentId === '') return refused('row-malformed', 'documentId')
  if (locale !== null && typeof locale !== 'string') return refused('row-malformed', 'locale')
  if (locale !== null && mapping.locale === undefined)
    return refused('locale-unchosen', 'the content type is internationalised: the mapping needs a locale')
  if (locale !== null && locale !== mapping.locale) return { is: 'unserved' }
  const attributes: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(mapping.attributes)) {
    const value = Object.hasOwn(data, name) ? readers[kind](data[name]) : undefined
    if (value === undefined) return refused('attribute-refused', name)
    attributes[name] = value
  }
  const updatedAtUnixMs = toUnixMs(updatedAt) ?? 0
  return { is: 'row', row: { id, documentId, locale, updatedAtUnixMs, attributes } }
}
