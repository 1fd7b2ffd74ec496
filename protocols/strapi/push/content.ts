import { randomInt } from 'node:crypto'
import { type Attribute, type Schemas } from './schemas'

/** One document to write. The object itself is its identity: links name the same objects. */
export interface PushRow {
  /** Such as `api::price.price`. */
  type: string
  /** Scalars by attribute name; a component as an object, a repeatable one as an array of them. No relations: those are links. */
  attributes: Readonly<Record<string, unknown>>
}

/** A relation between two rows of the same push. A relation to a row that is in Strapi already cannot be pushed (spec 9.4). */
export interface PushLink {
  from: PushRow
  /** The relation's attribute on its owning side, `from`. */
  field: string
  to: PushRow
}

export interface PushContent {
  rows: readonly PushRow[]
  links?: readonly PushLink[]
}

/** A row on the wire. */
export interface Entity {
  type: string
  /** Ours, unique for its type in this transfer: the server gives it another one. */
  id: number
  data: Record<string, unknown>
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const CHARACTERS = `${LETTERS}0123456789`
const DOCUMENT_ID_LENGTH = 24

const oneOf = (characters: string): string => characters[randomInt(characters.length)]!

/** A new identity of a document, as Strapi makes them: a letter, then letters and digits. */
export const newDocumentId = (): string =>
  oneOf(LETTERS) + Array.from({ length: DOCUMENT_ID_LENGTH - 1 }, () => oneOf(CHARACTERS)).join('')

/** Gives numbers to rows and components, from 1 for each type. */
class Numbering {
  private readonly last = new Map<string, number>()

  next(type: string): number {
    const id = (this.last.get(type) ?? 0) + 1
    this.last.set(type, id)
    return id
  }
}

export interface Encoded {
  entities: Entity[]
  /** The `id` of each row; of a row with a draft, that of the published one. */
  idOf: ReadonlyMap<PushRow, number>
  /** Of each row, in their order: what proves, when read back, that the push was committed. */
  documentIds: { type: string; documentId: string }[]
}

/**
 * Rows as the server stores them. It fills nothing in and checks next to nothing (spec 9.5), so this adds what Strapi itself would:
 * `documentId`, the times, `locale`, ids of components, and the draft beside the published row where a type has drafts.
 *
 * @param rows - checked against the schemas before
 */
export const encodeRows = (rows: readonly PushRow[], schemas: Schemas, nowUnixMs: number): Encoded => {
  const numbering = new Numbering()
  const now = new Date(nowUnixMs).toISOString()
  const entities: Entity[] = []
  const idOf = new Map<PushRow, number>()
  const documentIds: Encoded['documentIds'] = []
  for (const row of rows) {
    const { type } = row
    const { attributes, hasDrafts } = schemas.get(type)!
    const identity = { documentId: newDocumentId() }
    const add = (publishedAt: string | null): void => {
      const id = numbering.next(type)
      const times = { createdAt: now, updatedAt: now, publishedAt, locale: null }
      entities.push({
        type,
        id,
        data: { ...identity, ...numbered(row.attributes, attributes, schemas, numbering), ...times },
      })
      idOf.set(row, id)
    }
    if (hasDrafts) add(null)
    add(now)
    documentIds.push({ type, ...identity })
  }
  return { entities, idOf, documentIds }
}

type Values = Readonly<Record<string, unknown>>

/** Components are rows of their own on the server, and need ids of their own as well. */
const numbered = (
  values: Values,
  attributes: ReadonlyMap<string, Attribute>,
  schemas: Schemas,
  numbering: Numbering,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const { component } = attributes.get(name)!
      if (component === undefined || value === null) return [name, value]
      const give = (one: Values) => ({
        id: numbering.next(component),
        ...numbered(one, schemas.get(component)!.attributes, schemas, numbering),
      })
      return [name, Array.isArray(value) ? value.map((one) => give(one as Values)) : give(value as Values)]
    }),
  )

/** The links on the wire: places count for each row that is linked to. */
export const encodeLinks = (links: readonly PushLink[], { idOf }: Encoded, schemas: Schemas): object[] => {
  const places = new Map<PushRow, number>()
  return links.map(({ from, field, to }) => {
    const { relation, inversedBy } = schemas.get(from.type)!.attributes.get(field)!
    const pos = (places.get(to) ?? 0) + 1
    places.set(to, pos)
    const inverse = inversedBy === undefined ? {} : { field: inversedBy }
    return {
      kind: from.type === to.type ? 'relation.circular' : 'relation.basic',
      relation,
      left: { type: from.type, field, ref: idOf.get(from) },
      right: { type: to.type, ...inverse, ref: idOf.get(to), pos },
    }
  })
}
