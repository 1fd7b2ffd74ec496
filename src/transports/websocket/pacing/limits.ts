import { type PulseOptions } from '../../../connections/pulse'
import { SlidingWindow } from '../../../outbound-http/sliding-window'
import { between, steadyBackoff } from '../../../util/backoff'

/** At most `count` in every span of `perMs` milliseconds, whenever that span begins. */
export interface RollingLimit {
  count: number
  perMs: number
}

/** What a provider allows. What is not declared is not limited. */
export interface WebSocketLimits {
  /** The most feeds that one connection may carry. */
  subscriptionsPerConnection?: number
  /**
   * Messages that we may send on one connection. Everything that is sent on it counts: what the builders and `sendMessages` send, what
   * the author's `open` and `heartbeat` send through the socket, and ping and pong frames. Only the close frame does not count. What exceeds
   * the limit is sent later, in order. A connection that takes the place of another goes on with what that one has left of the limit.
   */
  messages?: RollingLimit
  /**
   * Bytes that we may send on one connection: the payloads of everything that counts for `messages`, before compression. `count` is their
   * number. The messages of `batches` name no more feeds than it has room for; any other message that is larger goes alone, when nothing else
   * was sent in the window.
   */
  bytes?: RollingLimit
  /**
   * Connections that the transport may open, all its URLs together. An attempt counts once the provider has accepted its TCP connection. An
   * author's own `establishWsConnection` counts when it calls the original.
   */
  connects?: RollingLimit
  /**
   * A connection is replaced before it is older than this, in ms: a random part of up to a tenth earlier, so that a fleet does not reconnect
   * at once. The old one is closed before the new one is opened, unless the transport has `makeBeforeBreak`: then it begins another tenth
   * earlier. Further connections are replaced likewise, one at a time.
   */
  maxAgeMs?: number
}

/**
 * How old a connection may become before its replacement begins, drawn anew for each. Infinity without a limit.
 *
 * @param isBeside - whether the next one comes up beside it, which takes its time
 */
export const drawMaxAge = ({ maxAgeMs = Infinity }: WebSocketLimits, isBeside = false): number =>
  steadyBackoff(maxAgeMs, isBeside ? EARLIER : UP_TO_A_TENTH_LESS).next().delayMs

const UP_TO_A_TENTH_LESS = between(1, 0.9)
const EARLIER = between(0.9, 0.8)

/** What was sent so far apart may arrive a little less far apart. */
const TRANSIT_SHARE = 0.05
const MAX_TRANSIT_MS = 250

/**
 * The window that keeps a limit at the provider, where messages arrive in other distances than those in which they were sent. It is longer
 * than what was declared by as much.
 */
export const windowOf = ({ count, perMs }: RollingLimit, onFreed: () => void): SlidingWindow =>
  new SlidingWindow(perMs + Math.min(perMs * TRANSIT_SHARE, MAX_TRANSIT_MS), count, onFreed)

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1
const isDuration = (value: number): boolean => Number.isFinite(value) && value > 0

const refuse = (name: string, expected: string): never => {
  throw new Error(`${name} of a WebSocketTransport must be ${expected}`)
}

const DURATION = 'a number of milliseconds above 0'

/** @throws Error that names the first member of the option `ping` that is not possible */
export const checkPing = (ping: PulseOptions): void => {
  const { everyMs, pongWithinMs } = ping
  for (const [name, ms] of Object.entries({ everyMs, pongWithinMs }))
    if (ms !== undefined && !isDuration(ms)) refuse(`ping.${name}`, DURATION)
}

/** @throws Error that names the first limit that is not possible */
export const checkLimits = (limits: WebSocketLimits): void => {
  const { subscriptionsPerConnection, messages, bytes, connects, maxAgeMs } = limits
  if (subscriptionsPerConnection !== undefined && !isCount(subscriptionsPerConnection))
    refuse('limits.subscriptionsPerConnection', 'a whole number from 1')
  for (const [name, limit] of Object.entries({ messages, bytes, connects })) {
    if (limit === undefined) continue
    if (!isCount(limit.count)) refuse(`limits.${name}.count`, 'a whole number from 1')
    if (!isDuration(limit.perMs)) refuse(`limits.${name}.perMs`, DURATION)
  }
  if (maxAgeMs !== undefined && !isDuration(maxAgeMs)) refuse('limits.maxAgeMs', DURATION)
}
