import { isObject } from '../../util/objects'
import { type Reason } from '../../validation/reason'

/**
 * What the writer's cache has under a key now: the end of its life by the wall clock (Unix ms) and by the monotonic clock (ms, the same in
 * all processes of a machine), and the response as JSON. Without a response the cache has nothing under this key.
 */
export type Entry = readonly [key: string, expiresAt: number, endsAtMs: number, body: string | undefined]

/** Names a feed of an adapter. */
export interface FeedName {
  adapter: string
  endpoint: string
  transport: string
  params: Fields
}

/** A feed that a client of a worker asked for. */
export interface WantedFeed extends FeedName {
  key: string
  /** For how long from now it is wanted. */
  ttlMs: number
}

/** What a worker asks the writer to look at, for its pages: the loops, the feeds of all adapters, or one feed. */
export type Look =
  { what: 'liveness' | 'readiness' } | { what: 'explanation'; feed: FeedName & { key: string } }

export type FromWriter =
  /** Always the first message. Each writer process has its own `session`. */
  | { type: 'hello'; session: string }
  | { type: 'entries'; adapter: string; entries: Entry[] }
  /** All that was in the caches when the worker connected has been sent. */
  | { type: 'synchronised' }
  | { type: 'reason'; id: number; reason: Reason | undefined }
  | { type: 'seen'; id: number; seen: unknown }

export type FromWorker =
  | { type: 'wanted'; feeds: WantedFeed[] }
  /** Asks why there is no value for this feed. */
  | { type: 'why'; id: number; feed: FeedName }
  /** The same, to be answered once it is useless to wait for a value: now, or within `waitMs`, or never. */
  | { type: 'useless'; id: number; feed: FeedName; waitMs: number }
  | ({ type: 'look'; id: number } & Look)

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields => isObject(value) && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

const isFeedName = (value: unknown): value is Fields =>
  isFields(value) &&
  isText(value['adapter']) &&
  isText(value['endpoint']) &&
  isText(value['transport']) &&
  isFields(value['params'])

const isWantedFeed = (value: unknown): boolean => {
  if (!isFeedName(value)) return false
  const { key, ttlMs } = value
  return isText(key) && isTime(ttlMs) && ttlMs > 0
}

const isEntry = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === 4 &&
  isText(value[0]) &&
  isTime(value[1]) &&
  isTime(value[2]) &&
  (value[3] === undefined || isText(value[3]))

const isListOf = (value: unknown, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isOne)

const isFromWriter = (message: unknown): message is FromWriter => {
  if (!isFields(message)) return false
  const { type, session, adapter, entries, id, reason } = message
  return (
    (type === 'hello' && isText(session)) ||
    (type === 'entries' && isText(adapter) && isListOf(entries, isEntry)) ||
    type === 'synchronised' ||
    (type === 'reason' && isTime(id) && (reason === undefined || isFields(reason))) ||
    (type === 'seen' && isTime(id))
  )
}

const isFromWorker = (message: unknown): message is FromWorker => {
  if (!isFields(message)) return false
  const { type, feeds, id, feed, waitMs } = message
  return (
    (type === 'wanted' && isListOf(feeds, isWantedFeed)) ||
    (type === 'why' && isTime(id) && isFeedName(feed)) ||
    (type === 'useless' && isTime(id) && isFeedName(feed) && isTime(waitMs)) ||
    (type === 'look' && isTime(id) && isLook(message))
  )
}

const isLook = ({ what, feed }: Fields): boolean =>
  what === 'liveness' ||
  what === 'readiness' ||
  (what === 'explanation' && isFeedName(feed) && isText(feed['key']))

/** The same as a message of a writer; undefined if it is none. */
export const fromWriter = (message: unknown): FromWriter | undefined =>
  isFromWriter(message) ? message : undefined

/** The same as a message of a worker; undefined if it is none. */
export const fromWorker = (message: unknown): FromWorker | undefined =>
  isFromWorker(message) ? message : undefined
