/**
 * The reference model: by the plain rules of `docs/contributing/invariants.md`, which answers are lawful, and which feeds must have a value.
 * It is told what the provider has sent and what was done to the service; it reads nothing of the service but answers, and no clock.
 *
 * All times are the world's, in Unix ms: the clock of the providers, which nobody sets, and which goes on while the machine sleeps.
 */
import { Lateness } from './lateness.mjs'

/** The clocks of two processes, read to the millisecond, and how often the wall clock of the trial is looked at. */
const CLOCK_MS = 30
/** After this a value that was sent on a working connection has arrived. */
const SURE_MS = 900
/** A value that ends so soon need not be there any more. */
const ENDING_MS = 300
const KEPT_ANSWERS = 40
/** So long a feed may have neither a value nor a reason, because it is not known yet. */
const REASON_AFTER_MS = 4_000

export class Model {
  /** By its number, every value that may ever be served. */
  #values = new Map()
  /** By feed: on each connection its last message and its last value that was the newest of all, its greatest time, what was served of it. */
  #feeds = new Map()
  /** By endpoint: the numbers of the connections that are open, and of those that the service has left. */
  #lines = new Map()
  #lateness = new Lateness()
  #disturbedMs = -Infinity
  #bornMs = -Infinity
  /** Since then, by feed, its answers had neither a value nor a reason. */
  #unexplainedMs = new Map()

  /**
   * @param rules - by the name of the endpoint: `maxAgeMs`, `hardMaxAgeMs` where values are confirmed, `futureMs` (how far ahead of our time
   *   a value may be)
   */
  constructor(rules) {
    this.rules = rules
  }

  /** The provider sees a new connection of an endpoint. */
  connected(endpoint, line) {
    this.#lineOf(endpoint).open.add(line)
  }

  /** The service has said that it leaves it: nothing that still comes on it counts. */
  retired(endpoint, line) {
    this.#lineOf(endpoint).left.add(line)
  }

  /** It has ended, or passes nothing on any more. */
  ended(endpoint, line) {
    this.#lineOf(endpoint).open.delete(line)
  }

  /**
   * The provider has sent a value.
   *
   * @param of.number - no other value of this world is the same; undefined for what is no value that may be served
   * @param of.asOf - the provider's time, if it gave one
   * @param of.line - the connection
   */
  sent(feed, { number, asOf, line, atMs }) {
    const state = this.#feedOf(feed)
    const isDeaf = this.#lineOf(endpointOf(feed)).left.has(line)
    const known = this.#values.get(number)
    const value = known ?? { feed, number, asOf, isDeaf, atMs, line, confirmedMs: -Infinity }
    if (known === undefined && number !== undefined) this.#values.set(number, value)
    // The same message again: another observation where it has no time, else a confirmation of what it brings.
    if (known !== undefined && !isDeaf) value[asOf === undefined ? 'atMs' : 'confirmedMs'] = atMs
    state.last.set(line, number === undefined ? undefined : value)
    if (number === undefined || isDeaf || !(asOf >= state.greatest)) return
    state.greatest = asOf
    state.newest.set(line, value)
  }

  /** The provider has confirmed the last value of a feed on a connection: that one, and no other. */
  confirmed(feed, line, atMs) {
    const value = this.#feedOf(feed).last.get(line)
    if (value !== undefined) value.confirmedMs = atMs
  }

  /** Something happened after which it takes a new value to know that a feed has one: a step of the clock, a killed process. */
  disturbed(atMs) {
    this.#disturbedMs = Math.max(this.#disturbedMs, atMs)
  }

  /** The machine has slept. */
  slept(fromMs, untilMs) {
    this.#lateness.slept(fromMs, untilMs)
    this.disturbed(untilMs)
  }

  /** The service, or what remembers its values, begins anew, at that moment or before it. */
  reborn(byMs) {
    for (const state of this.#feeds.values()) state.greatest = -Infinity
    this.#bornMs = byMs
    this.disturbed(byMs)
  }

  /**
   * @param answer - `feed`, `askedMs`, `answeredMs`, `status`, `result`, `asOf` (as the answer says), `reason` (its code or text),
   *   `reader` (answers of one reader come in order)
   * @returns what laws it breaks, in words
   */
  judge(answer) {
    const { feed, status, result, reason, askedMs } = answer
    this.#lateness.timed(answer)
    if (status === 200 || reason !== undefined) this.#unexplainedMs.delete(feed)
    if (status === 200) return this.#judgeValue(answer)
    const [broken, due] = [[], this.mustServe(feed, askedMs)]
    if (![502, 504].includes(status)) broken.push(`ER-7: status ${status} for a feed without a value`)
    if (reason === undefined && this.#isLongUnexplained(feed, askedMs))
      broken.push('ER-1: no value, and no reason')
    if (result != null) broken.push('NU-7: an error with a result')
    if (due !== undefined)
      broken.push(`ER-2: ${status} ${reason}, although ${due.number} came ${askedMs - due.atMs} ms before`)
    return broken
  }

  /** A value that is certainly there: sent as the newest on a connection that works, long enough ago, and not about to end. */
  mustServe(feed, atMs) {
    const [{ open }, { maxAgeMs }] = [this.#lineOf(endpointOf(feed)), this.#ruleOf(feed)]
    const isSure = (line, value) =>
      open.has(line) &&
      value.asOf <= value.atMs &&
      value.atMs > this.#disturbedMs &&
      atMs - value.atMs >= SURE_MS + this.#lateness.slackMs &&
      atMs - value.asOf <= maxAgeMs - ENDING_MS
    return [...this.#feedOf(feed).newest].find(([line, value]) => isSure(line, value))?.[1]
  }

  /** Whether an answer has a value that was sent after a moment. */
  isSince({ status, result }, atMs) {
    return status === 200 && (this.#values.get(Number(result))?.atMs ?? -Infinity) >= atMs
  }

  #isLongUnexplained(feed, atMs) {
    const sinceMs = known(this.#unexplainedMs, feed, () => atMs)
    return atMs - Math.max(sinceMs, this.#disturbedMs) > REASON_AFTER_MS + this.#lateness.slackMs
  }

  #judgeValue({ feed, result, asOf, askedMs, answeredMs, reader }) {
    const value = ['number', 'string'].includes(typeof result) ? this.#values.get(Number(result)) : undefined
    if (value === undefined) return [`NU-7: ${JSON.stringify(result)} is no value that the provider sent`]
    const broken = []
    if (value.feed !== feed) broken.push(`ID-3: ${result} was sent for ${value.feed}`)
    if (value.isDeaf) broken.push(`CN-1: ${result} came on a connection that had been replaced`)
    if (asOf !== value.asOf) broken.push(`TM-8: ${result} is of ${value.asOf}, and is served as of ${asOf}`)
    broken.push(...this.#judgeTime(value, askedMs))
    const { served } = this.#feedOf(feed)
    const isBefore = (one) =>
      one.reader === reader && one.answeredMs < askedMs && one.answeredMs > this.#bornMs
    const later = served.find((one) => isBefore(one) && one.asOf > value.asOf)
    if (later !== undefined) broken.push(`TM-1: ${result} of ${value.asOf} after a value of ${later.asOf}`)
    if (value.asOf !== undefined) served.unshift({ reader, answeredMs, asOf: value.asOf })
    served.length = Math.min(served.length, KEPT_ANSWERS)
    return broken
  }

  #judgeTime({ feed, number, asOf, atMs, confirmedMs }, askedMs) {
    const { maxAgeMs, hardMaxAgeMs = maxAgeMs, futureMs } = this.#ruleOf(feed)
    const receivedMs = this.#lateness.receivedBy(atMs)
    if (asOf > receivedMs + futureMs) return [`TM-2: ${number} is ${asOf - receivedMs} ms ahead`]
    // What is read after a sleep and was sent before it speaks for the time from before it (TM-3), until something newer comes.
    const ageMs = askedMs - (asOf === undefined ? receivedMs : asOf + this.#lateness.heldUp(atMs))
    const broken = []
    if (ageMs > hardMaxAgeMs + CLOCK_MS) broken.push(`FR-1: ${number} is ${ageMs} ms old`)
    const heardMs = Math.max(receivedMs, this.#lateness.receivedBy(confirmedMs))
    if (hardMaxAgeMs > maxAgeMs && askedMs - heardMs > maxAgeMs + CLOCK_MS)
      broken.push(`FR-4: ${number} was last confirmed ${askedMs - heardMs} ms ago`)
    return broken
  }

  #ruleOf(feed) {
    return this.rules[endpointOf(feed)]
  }

  #feedOf(feed) {
    return known(this.#feeds, feed, () => ({
      last: new Map(),
      newest: new Map(),
      greatest: -Infinity,
      served: [],
    }))
  }

  #lineOf(endpoint) {
    return known(this.#lines, endpoint, () => ({ open: new Set(), left: new Set() }))
  }
}

const known = (map, key, make) => {
  if (!map.has(key)) map.set(key, make())
  return map.get(key)
}

/** A feed is written `endpoint:symbol`. */
export const endpointOf = (feed) => feed.slice(0, feed.indexOf(':'))
export const symbolOf = (feed) => feed.slice(feed.indexOf(':') + 1)
