import { type ProviderWords } from '../../provider-words'
import { type Reason } from '../../../validation/reason'
import { type SubscriptionState } from '../../capabilities'
import { secondsOf } from '../../../util/clock'

/**
 * `wanted`: to be asked for with the next messages. `sent`: asked for. `accepted`: the provider has said so, or has sent data. `refused`:
 * it does not want to. `leaving`: nobody wants it any more, but it cannot be unsubscribed before it is answered.
 */
type State = 'wanted' | 'sent' | 'accepted' | 'refused' | 'leaving'

/** What is known of one symbol on one connection. Durations are by the monotonic clock. */
export interface Entry<P> {
  readonly symbol: string
  /** The params of the feeds that want it. */
  feeds: P[]
  channel: number | undefined
  state: State
  /** Whether the provider has answered that it is subscribed, since it was last asked for. */
  wasAccepted: boolean
  /** When its present state began, in Unix ms. */
  sinceUnixMs: number
  /** How often it was asked for without an answer. */
  asked: number
  /** How often it was asked for again because no data came, or was refused, in a row. */
  silences: number
  refusals: number
  /** Whether it is asked for again for a feed that has joined the others, although it is not silent. */
  hasJoined: boolean
  /** Whether the next message for it must have no other symbol. */
  isAlone: boolean
  /** When something is to be done about it. */
  dueMs: number
  /** When its clients are told again that it is refused. */
  sayMs: number
  words: string
  kind: 'symbol' | 'quota'
  heardMs: number | undefined
  /** The longest pause between two messages about it, lately. */
  gapMs: number
  /** Since when the provider says that there is something newer. */
  missedMs: number | undefined
  isUntraded: boolean
  /** The last value on this connection, and when it was last confirmed. */
  last: object | undefined
  confirmedMs: number
}

export const newEntry = <P>(symbol: string, feed: P, now: number): Entry<P> => ({
  symbol,
  feeds: [feed],
  channel: undefined,
  state: 'wanted',
  wasAccepted: false,
  sinceUnixMs: Date.now(),
  asked: 0,
  silences: 0,
  hasJoined: false,
  refusals: 0,
  isAlone: false,
  dueMs: now,
  sayMs: Infinity,
  words: '',
  kind: 'symbol',
  heardMs: undefined,
  gapMs: 0,
  missedMs: undefined,
  isUntraded: false,
  last: undefined,
  confirmedMs: now,
})

export const enter = (entry: Entry<unknown>, state: State): void => {
  if (entry.state === state) return
  entry.state = state
  entry.sinceUnixMs = Date.now()
}

/** The same for who looks into it. */
export const stateOf = ({ state, heardMs, sinceUnixMs, asked }: Entry<unknown>): SubscriptionState => {
  const answered = heardMs === undefined ? 'acknowledged' : 'ticking'
  return { state: state === 'accepted' ? answered : state, sinceUnixMs, asked }
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

const next = ({ dueMs }: Entry<unknown>, now: number): Pick<Reason, 'nextAttemptUnixMs'> =>
  Number.isFinite(dueMs) ? { nextAttemptUnixMs: Math.round(Date.now() + Math.max(0, dueMs - now)) } : {}

/** Why a symbol is refused, in the provider's words. */
export const refusalReason = (entry: Entry<unknown>, now: number): Reason => {
  const code = entry.kind === 'quota' ? 'SUBSCRIPTION_LIMIT' : 'SUBSCRIBE_FAILED'
  return { code, message: entry.words, sinceUnixMs: entry.sinceUnixMs, ...next(entry, now) }
}

/**
 * Why a feed may be without a value, as far as its subscription tells. Undefined where that works.
 *
 * @param words - what the provider has said that concerns no symbol
 */
export const reasonOf = (
  entry: Entry<unknown>,
  now: number,
  words?: Pick<ProviderWords, 'in'>,
): Reason | undefined => {
  const { state, asked, silences, sinceUnixMs, isUntraded, heardMs } = entry
  const reason = (code: Reason['code'], message: string): Reason => {
    const plain = { code, message, sinceUnixMs, ...next(entry, now) }
    const said = words?.in(plain) ?? plain
    // Then it is known what hinders it.
    return said.message !== message && code === 'STARTING' ? { ...said, code: 'PROVIDER_ERROR' } : said
  }
  if (state === 'refused') return refusalReason(entry, now)
  if (silences > 0) {
    const proof = entry.missedMs === undefined ? '' : ', although there is something newer'
    return reason('SILENT', `Subscribed, but no data comes${proof}: asked for again ${times(silences)}`)
  }
  if (state === 'sent' && asked > 1)
    return reason('UNANSWERED', `The provider has not answered the subscription: asked ${times(asked)}`)
  if (state === 'wanted' || state === 'sent')
    return reason('STARTING', 'The provider has not answered the subscription yet')
  if (isUntraded) return reason('NO_DATA', 'Listed and subscribed, but nothing has been traded')
  if (state !== 'accepted' || heardMs !== undefined) return undefined
  return reason('NO_DATA_YET', `Subscribed ${secondsOf(Date.now() - sinceUnixMs)} ago; no data has come yet`)
}
