/**
 * The reference model: by the plain rules of `docs/contributing/invariants.md`, which answers are lawful, and which feeds must have a value.
 * It is told what the provider has sent and what was done to the service; it reads nothing of the service but answers, and no clock.
 *
 * All times are the world's, in Unix ms: the clock of the providers, which nobody sets, and which goes on while the machine sleeps.
 */

/** How long what was sent may be on its way. Only for what is not judged by a time of the provider: a value's own time bears no delay. */
const LAG_MS = 700
/** The clocks of two processes, read to the millisecond, and how often the wall clock of the trial is looked at. */
const CLOCK_MS = 30
/** After this a value that was sent on a working connection has arrived. */
const SURE_MS = 900
/** A value that ends so soon need not be there any more. */
const ENDING_MS = 300
const KEPT_ANSWERS = 40
/** So long after it was asked for a feed without a value has a reason. */
const REASON_AFTER_MS = 4_000
/** What answers took in this time says how slow the machine is, which is added to what messages may take. */
const SLOW_MS = 3_000

export class Model {
  /** By its number, every value that may ever be served. */
  #values = new Map()
  /** By feed: on each connection its last message and its last value that was the newest of all, its greatest time, what was served of it. */
  #feeds = new Map()
  /** By endpoint: the number of its newest connection, and those that are open. */
  #lines = new Map()
  #sleeps = []
  #disturbedMs = -Infinity
  #bornMs = -Infinity
  /** Since then, by feed, it has been asked for. */
  #askedMs = new Map()
  #delays = []

  /**
   * @param rules - by the name of the endpoint: `maxAgeMs`, `hardMaxAgeMs` where values are confirmed, `futureMs` (how far ahead of our time
   *   a value may be), `isSingle` where there is one connection at a time, so that each new one makes the others deaf
   */
  constructor(rules) {
    this.rules = rules
  }

  /** The provider sees a new connection of an endpoint. */
  connected(endpoint, line) {
    const known = this.#lineOf(endpoint)
    known.newest = Math.max(known.newest, line)
    known.open.add(line)
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
    const { newest } = this.#lineOf(endpointOf(feed))
    const isDeaf = this.#ruleOf(feed).isSingle === true && line < newest
    const known = this.#values.get(number)
    const value = known ?? { feed, number, asOf, isDeaf, atMs, line, confirmedMs: -Infinity }
    if (known === undefined && number !== undefined) this.#values.set(number, value)
    // The same message again: another observation where it has no time, else a confirmation of what it brings.
    if (known !== undefined && !isDeaf) value[asOf === undefined ? 'atMs' : 'confirmedMs'] = atMs
    state.last.set(line, number === undefined ? undefined : value)
    if (asOf === undefined || number === undefined || isDeaf) return
    if (asOf < state.greatest) return
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
    this.#sleeps.push({ fromMs, untilMs })
    this.disturbed(untilMs)
  }

  /** The service, or what remembers its values, begins anew, at that moment or before it. */
  reborn(byMs) {
    for (const state of this.#feeds.values()) state.greatest = -Infinity
    this.#bornMs = byMs
    this.#askedMs.clear()
    this.disturbed(byMs)
  }

  /**
   * @param answer - `feed`, `askedMs`, `answeredMs`, `status`, `result`, `asOf` (as the answer says), `reason` (its code or text),
   *   `reader` (answers of one reader come in order)
   * @returns what laws it breaks, in words
   */
  judge(answer) {
    const { feed, status, result, reason, askedMs } = answer
    this.#timed(answer)
    if (status === 200) return this.#judgeValue(answer)
    const broken = []
    if (![502, 504].includes(status)) broken.push(`ER-7: status ${status} for a feed without a value`)
    const sinceMs = Math.max(this.#askedMs.get(feed), this.#disturbedMs)
    if (reason === undefined && askedMs - sinceMs > REASON_AFTER_MS + 2 * this.#delayMs)
      broken.push('ER-1: no value, and no reason')
    if (result != null) broken.push('NU-7: an error with a result')
    const due = this.mustServe(feed, askedMs)
    if (due !== undefined)
      broken.push(
        `ER-2: no value (${status} ${reason}), although ${due.number} was sent ${askedMs - due.atMs} ms before`,
      )
    return broken
  }

  /** A value that is certainly there: sent as the newest on a connection that works, long enough ago, and not about to end. */
  mustServe(feed, atMs) {
    const { open, newest } = this.#lineOf(endpointOf(feed))
    const { maxAgeMs, isSingle } = this.#ruleOf(feed)
    return [...this.#feedOf(feed).newest]
      .map(([line, value]) => ({ ...value, line }))
      .find((value) => {
        if (value.asOf > value.atMs || !open.has(value.line)) return false
        if (isSingle === true && value.line < newest) return false
        if (value.atMs <= this.#disturbedMs) return false
        return atMs - value.atMs >= SURE_MS + 2 * this.#delayMs && atMs - value.asOf <= maxAgeMs - ENDING_MS
      })
  }

  /** Whether an answer has a value that was sent after a moment. */
  isSince({ status, result }, atMs) {
    return status === 200 && (this.#values.get(Number(result))?.atMs ?? -Infinity) >= atMs
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
    const receivedMs = this.#receivedBy(atMs)
    if (asOf > receivedMs + futureMs) return [`TM-2: ${number} is ${asOf - receivedMs} ms ahead`]
    // What is read after a sleep and was sent before it speaks for the time from before it (TM-3), until something newer comes.
    const ageMs = askedMs - (asOf === undefined ? receivedMs : asOf + this.#heldUp(atMs))
    const broken = []
    if (ageMs > hardMaxAgeMs + CLOCK_MS) broken.push(`FR-1: ${number} is ${ageMs} ms old`)
    const heardMs = Math.max(receivedMs, this.#receivedBy(confirmedMs))
    if (hardMaxAgeMs > maxAgeMs && askedMs - heardMs > maxAgeMs + CLOCK_MS)
      broken.push(`FR-4: ${number} was last confirmed ${askedMs - heardMs} ms ago`)
    return broken
  }

  #timed({ feed, askedMs, answeredMs }) {
    if (!this.#askedMs.has(feed)) this.#askedMs.set(feed, Math.max(askedMs, this.#bornMs))
    const awakeMs = answeredMs - this.#sleeps.reduce((sum, sleep) => sum + sleep.untilMs - sleep.fromMs, 0)
    this.#delays.push({ awakeMs, tookMs: answeredMs - askedMs })
    while (this.#delays[0].awakeMs < awakeMs - SLOW_MS) this.#delays.shift()
  }

  /** The longest that an answer took lately. */
  get #delayMs() {
    return Math.max(0, ...this.#delays.map(({ tookMs }) => tookMs))
  }

  /** When something had arrived at the latest. What was sent shortly before the machine fell asleep is read when it wakes. */
  #receivedBy(sentMs) {
    let byMs = sentMs + LAG_MS + 2 * this.#delayMs
    for (const { fromMs, untilMs } of this.#sleeps)
      if (byMs >= fromMs && sentMs <= untilMs) byMs = Math.max(byMs, untilMs + LAG_MS)
    return byMs
  }

  /** For how long the machine slept while this was on its way. */
  #heldUp(sentMs) {
    const byMs = sentMs + LAG_MS + 2 * this.#delayMs
    const over = this.#sleeps.filter(({ fromMs, untilMs }) => sentMs <= untilMs && byMs >= fromMs)
    return over.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0)
  }

  #ruleOf(feed) {
    return this.rules[endpointOf(feed)]
  }

  #feedOf(feed) {
    let state = this.#feeds.get(feed)
    if (state === undefined) this.#feeds.set(feed, (state = emptyFeed()))
    return state
  }

  #lineOf(endpoint) {
    let lines = this.#lines.get(endpoint)
    if (lines === undefined) this.#lines.set(endpoint, (lines = { newest: 0, open: new Set() }))
    return lines
  }
}

const emptyFeed = () => ({ last: new Map(), newest: new Map(), greatest: -Infinity, served: [] })

/** A feed is written `endpoint:symbol`. */
export const endpointOf = (feed) => feed.slice(0, feed.indexOf(':'))
export const symbolOf = (feed) => feed.slice(feed.indexOf(':') + 1)
