import { TransferError } from '../errors'
import { type PushContent } from './content'
import { type PushMode, type RowMatch, type Scalar } from './mode'

/** A value that is being served, as it is to stand in Strapi. */
export interface LiveFeed {
  /** Of the feed that it is the value of. */
  key: string
  /** The provider's own time of the value, or when it was received if that is unknown. */
  asOfUnixMs: number
  attributes: Readonly<Record<string, unknown>>
  /** The attributes as JSON: equal for rows that would be the same. */
  row: string
}

/**
 * What a sink does with the rows that are there. There is no default: the caller has to choose.
 *
 * - `append`: leaves them. Every row that differs from the last one of its feed is added: a history.
 * - `replace-matching`: each row takes the place of those with the same values in these attributes, such as base and quote. Others stay.
 * - `replace-type`: the rows of the content type are exactly the feeds. Only for a type that nobody else writes into.
 */
export type SinkMode =
  { kind: 'append' } | { kind: 'replace-matching'; attributes: readonly string[] } | { kind: 'replace-type' }

export type Plan =
  | { kind: 'nothing' }
  /** Some feeds have no value: their rows, which are still there, would be deleted. */
  | { kind: 'incomplete'; missing: number }
  | { kind: 'push'; feeds: readonly LiveFeed[]; content: PushContent; mode: PushMode }

/** Rows in one push: as many as a filter may have alternatives. More go into the next one. */
const MAX_ROWS_AT_ONCE = 400

/**
 * The next push, or why there is none.
 *
 * @param live - feeds that have a value now
 * @param expected - how many feeds there are to be
 * @param pushed - by key: the row that Strapi has
 * @throws TransferError `rows-invalid` when two feeds would be one row
 */
export const planPush = (
  mode: SinkMode,
  contentType: string,
  live: readonly LiveFeed[],
  expected: number,
  pushed: ReadonlyMap<string, string>,
): Plan => {
  const changed = live.filter(({ key, row }) => pushed.get(key) !== row)
  if (changed.length === 0) return { kind: 'nothing' }
  switch (mode.kind) {
    case 'append':
      return pushOf(changed.slice(0, MAX_ROWS_AT_ONCE), contentType, { kind: 'append' })
    case 'replace-type':
      if (live.length < expected) return { kind: 'incomplete', missing: expected - live.length }
      return pushOf(live, contentType, { kind: 'replace-types', types: [contentType] })
    case 'replace-matching': {
      refuseDoubles(mode.attributes, live)
      const feeds = changed.slice(0, MAX_ROWS_AT_ONCE)
      const matches = feeds.map((feed) => matchOf(mode.attributes, feed))
      return pushOf(feeds, contentType, { kind: 'replace-matching', type: contentType, matches })
    }
  }
}

const pushOf = (feeds: readonly LiveFeed[], type: string, mode: PushMode): Plan => ({
  kind: 'push',
  feeds,
  content: { rows: feeds.map(({ attributes }) => ({ type, attributes })) },
  mode,
})

/** That these are plain values is checked where the filter is made. */
const matchOf = (names: readonly string[], { attributes }: LiveFeed): RowMatch =>
  Object.fromEntries(names.map((name) => [name, attributes[name] as Scalar]))

/** Of two equal ones the second would delete the first or be added to it, which depends on chance. */
const refuseDoubles = (names: readonly string[], live: readonly LiveFeed[]): void => {
  const seen = new Set(live.map((feed) => JSON.stringify(names.map((name) => feed.attributes[name]))))
  if (seen.size < live.length)
    throw new TransferError('rows-invalid', `Two feeds have the same values of ${names.join(', ')}`)
}
