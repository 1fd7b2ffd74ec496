import { type AllowedTypes } from './content-types'

/** One end of a relation. `ref` is a row id; for `localizations` the right one is a document ID (spec 8.5). */
export interface LinkEnd {
  type: string
  ref: number | string
  field: string | undefined
  pos: number | undefined
}

/** A relation between two rows of the same transfer. `kind` may be one that is not known here. */
export interface EntityLink {
  kind: string
  relation: string
  left: LinkEnd
  right: LinkEnd
}

type Json = Record<string, unknown>

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {}

const endOf = (value: unknown, types: AllowedTypes): LinkEnd | undefined => {
  const { type, ref, field, pos } = objectOf(value)
  if (!types.has(type) || (typeof ref !== 'number' && typeof ref !== 'string')) return undefined
  return {
    type,
    ref,
    field: typeof field === 'string' ? field : undefined,
    pos: typeof pos === 'number' ? pos : undefined,
  }
}

/** The links of a batch that have an allowed type at both ends. */
export const linksIn = (items: readonly unknown[], types: AllowedTypes): EntityLink[] =>
  items.flatMap((item) => {
    const { kind, relation, left: from, right: to } = objectOf(item)
    const left = endOf(from, types)
    const right = endOf(to, types)
    if (typeof kind !== 'string' || typeof relation !== 'string' || !left || !right) return []
    return [{ kind, relation, left, right }]
  })

/** One core setting of the server. */
export interface CoreSetting {
  key: string
  value: unknown
}

/**
 * The core settings of a batch with one of these keys. Nothing else is kept: settings of plugins hold secrets of theirs, and webhooks
 * hold headers.
 */
export const settingsIn = (items: readonly unknown[], keys: ReadonlySet<string>): CoreSetting[] =>
  items.flatMap((item) => {
    const { type, value } = objectOf(item)
    if (type !== 'core-store') return []
    const { key, value: setting } = objectOf(value)
    return typeof key === 'string' && keys.has(key) ? [{ key, value: setting }] : []
  })
