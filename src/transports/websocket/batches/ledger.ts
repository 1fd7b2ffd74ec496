import { splitArrayIntoChunks } from '../../../util/arrays'
import { type ProviderWords } from '../../provider-words'
import { type Reason } from '../../../validation/reason'
import { type SubscriptionState } from '../../capabilities'
import { type Acceptance, type FeedName, type SubscriptionRefusal } from './batches'
import { type Entry, enter, newEntry, reasonOf, stateOf } from './subscription-entry'
import { overflowed } from '../../../metrics/bounds'

/** After so many messages without an answer a symbol is asked for slowly. */
const MAX_ASKED = 4
/** No pause between two attempts is longer. */
const SLOW_MS = 900_000
/** A refused symbol may be listed later. */
const REFUSED_MS = 60_000
/** So long it may take until we are sent what the provider says is there. */
const PROOF_MS = 5_000
/** A symbol that ticked is silent after so many of its own pauses, and of the times within which the first data has to come. */
const PAUSES = 4
const QUIET = 2
/** Names that are remembered after they were left; the oldest are forgotten. */
const MAX_GONE = 10_000
const MAX_STRAYS = 1_000
/** How often a symbol is unsubscribed that goes on sending. */
const MAX_ENDS = 5

export interface LedgerLimits {
  size: number
  ackWithinMs: number
  firstDataMs: number
}

/** Something to be unsubscribed: a symbol, or a channel that is ours by mistake. */
export interface End {
  symbol: string | undefined
  channel: number | undefined
}

export interface Orders<P> {
  ends: End[]
  /** Symbols to ask for, by message. */
  asks: string[][]
  /** Refused symbols whose clients are to be told so, again. */
  says: Entry<P>[]
  /** Symbols that stayed silent although they have been asked for again alone. */
  silent: Entry<P>[]
  /** Whether some symbol was asked for in vain so often that, if nothing is answered, the connection is at fault. */
  isVain: boolean
}

interface Gone extends End {
  atMs: number
  ends: number
}

/**
 * What was asked for on one connection, and how the provider answered (SB-3). It is pure: it is told what happens, and says what is to be
 * done now.
 */
export class Ledger<P> {
  private readonly entries = new Map<string, Entry<P>>()
  /** By symbol and by number of channel. */
  private readonly names = new Map<FeedName, Entry<P>>()
  private readonly gone = new Map<FeedName, Gone>()
  /** Subscribed, as the provider says, on a channel whose number it does not say. */
  private readonly numberless = new Set<Entry<P>>()
  /** Channels of nobody, which were unsubscribed. */
  private readonly strays = new Map<number, number>()
  /** Whether something due was not done, because no more messages may be sent now. */
  isHeldBack = false
  private ends: End[] = []
  private nextDueMs = Infinity

  /** @param isSame - whether two params are of the same feed */
  constructor(
    private readonly limits: LedgerLimits,
    private readonly isSame: (a: P, b: P) => boolean,
  ) {}

  /** Whether something is to be done before anything becomes due. */
  get isPressed(): boolean {
    return this.ends.length > 0 || this.nextDueMs === -Infinity
  }

  wanted(): Entry<P>[] {
    return [...this.entries.values()].filter(({ state }) => state !== 'leaving')
  }

  want(symbol: string, feed: P, now: number): void {
    const entry = this.entries.get(symbol)
    if (entry === undefined) {
      const fresh = newEntry(symbol, feed, now)
      this.entries.set(symbol, fresh)
      this.names.set(symbol, fresh)
      this.gone.delete(symbol)
      return this.due(fresh, -Infinity)
    }
    const isKnown = entry.feeds.some((one) => this.isSame(one, feed))
    if (!isKnown) entry.feeds.push(feed)
    if (entry.state === 'leaving') this.stay(entry, now)
    else if (entry.state === 'refused') this.sayAt(entry, now)
    // Only an answer to a new request has a value for a feed that joins the others.
    else if (entry.state === 'accepted' && !isKnown) {
      entry.hasJoined = true
      this.due(entry, now)
    }
  }

  leave(symbol: string, feed: P): void {
    const entry = this.entries.get(symbol)
    if (entry === undefined) return
    entry.feeds = entry.feeds.filter((one) => !this.isSame(one, feed))
    if (entry.feeds.length > 0) return
    if (entry.state === 'wanted' || entry.state === 'refused') return this.remove(entry)
    enter(entry, 'leaving')
    entry.dueMs = Infinity
    this.ends.push({ symbol, channel: entry.channel })
  }

  /** It was left, and is wanted again before that could be said. Where it was left just now, it is subscribed anew. */
  private stay(entry: Entry<P>, now: number): void {
    const isAnew = entry.wasAccepted && this.ends.some(({ symbol }) => symbol === entry.symbol)
    if (isAnew) {
      this.unbind(entry)
      return this.askAgain(entry, -Infinity)
    }
    this.ends = this.ends.filter(({ symbol }) => symbol !== entry.symbol)
    enter(entry, 'sent')
    this.due(entry, now + this.limits.ackWithinMs)
  }

  /** An unsubscribe has been sent. */
  left({ symbol, channel }: End, now: number): void {
    const entry = symbol === undefined ? undefined : this.entries.get(symbol)
    if (entry?.state === 'leaving') this.remove(entry)
    const gone: Gone = { symbol, channel, atMs: now, ends: 1 }
    if (symbol !== undefined && entry?.state === 'leaving') this.keepGone(symbol, gone)
    if (channel !== undefined) this.keepGone(channel, gone)
  }

  /** @returns the entry that was accepted, if it is known */
  accepted(acceptance: Acceptance, now: number, isAlready: boolean): Entry<P> | undefined {
    const [symbol, channel] = typeof acceptance === 'string' ? [acceptance, undefined] : acceptance
    const entry = this.entries.get(symbol)
    if (entry === undefined) {
      this.unknown(symbol, now)
      return undefined
    }
    if (channel !== undefined) this.bind(entry, channel, now)
    else if (isAlready && entry.channel === undefined) this.numberless.add(entry)
    if (entry.state === 'leaving') this.ends.push({ symbol, channel: entry.channel })
    else if (entry.state !== 'accepted') this.accept(entry, now)
    return entry
  }

  /** All that is subscribed has been named: what is not among it was refused, or has been forgotten. */
  whole(symbols: ReadonlySet<string>, hadRefusals: boolean, now: number): void {
    for (const entry of this.entries.values()) {
      if (symbols.has(entry.symbol)) continue
      if (entry.state === 'accepted') this.missing(entry, now)
      // Often only one bad symbol of a message is named. Asked for alone, each of the others is accepted, or named itself.
      else if (hadRefusals && entry.state === 'sent' && entry.asked === 1) {
        entry.isAlone = true
        this.due(entry, -Infinity)
      }
    }
  }

  /** @returns the entry that the refusal is for, if anybody still wants it */
  refused([name, words, kind = 'symbol']: SubscriptionRefusal, now: number): Entry<P> | undefined {
    const entry = this.names.get(name)
    if (entry === undefined) return undefined
    if (entry.state === 'leaving') {
      this.remove(entry)
      return undefined
    }
    this.unbind(entry)
    enter(entry, 'refused')
    entry.words = String(words)
    entry.kind = kind
    entry.asked = 0
    entry.silences = 0
    this.due(entry, now + growing(REFUSED_MS, entry.refusals++))
    return entry
  }

  /** Something about a symbol has come: data, or a confirmation. @returns undefined where it is of nobody */
  heard(name: FeedName, now: number): Entry<P> | undefined {
    const entry = this.names.get(name) ?? this.adopted(name, now)
    if (entry === undefined || entry.state === 'leaving') return entry
    const { heardMs } = entry
    if (entry.state !== 'accepted') enter(entry, 'accepted')
    entry.wasAccepted = true
    if (heardMs !== undefined) entry.gapMs = Math.max(now - heardMs, entry.gapMs * 0.9)
    entry.heardMs = now
    entry.asked = 0
    entry.silences = 0
    entry.hasJoined = false
    entry.refusals = 0
    entry.isAlone = false
    entry.sayMs = Infinity
    entry.missedMs = undefined
    entry.isUntraded = false
    this.due(entry, now + Math.min(SLOW_MS, Math.max(QUIET * this.limits.firstDataMs, PAUSES * entry.gapMs)))
    return entry
  }

  /** The provider says that there is something newer than what we were sent. */
  missed(name: FeedName, now: number): void {
    const entry = this.names.get(name)
    if (entry !== undefined && entry.state === 'accepted') this.missing(entry, now)
  }

  /** The provider says that it has unsubscribed a symbol or a channel. */
  ended(name: FeedName, now: number): void {
    this.gone.delete(name)
    if (typeof name === 'number' && this.strays.delete(name)) {
      // One of these was that channel. Asked for again, it gets one whose number is known.
      for (const entry of this.numberless) if (entry.state !== 'leaving') this.askAgain(entry, -Infinity)
      this.numberless.clear()
    }
    const entry = this.names.get(name)
    if (entry === undefined || entry.state !== 'accepted') return
    this.unbind(entry)
    this.askAgain(entry, now + this.limits.ackWithinMs)
  }

  isUnanswered(symbol: string): boolean {
    return this.entries.get(symbol)?.state === 'sent'
  }

  /** Whether a name was ours until lately, so that late messages about it are normal. */
  isLate(name: FeedName): boolean {
    return this.gone.has(name)
  }

  /**
   * What is to be done now. It counts as done.
   *
   * @param room - how many messages may be sent; what is due beyond that stays due
   */
  orders(now: number, room = Infinity): Orders<P> {
    const orders: Orders<P> = { ends: this.ends, asks: [], says: [], silent: [], isVain: false }
    this.ends = []
    if (now < this.nextDueMs) return orders
    this.nextDueMs = Infinity
    this.isHeldBack = false
    const bySize = new Map<number, string[]>()
    let left = room - Math.ceil(orders.ends.length / this.limits.size)
    for (const entry of this.entries.values()) {
      if (entry.sayMs <= now) orders.says.push(entry)
      if (entry.dueMs <= now) {
        const size = this.sizeFor(entry)
        const symbols = bySize.get(size) ?? []
        const isAgain = entry.state === 'accepted'
        const cost = (symbols.length % size === 0 ? 1 : 0) + (isAgain ? 1 : 0)
        if (cost > left) {
          this.nextDueMs = Math.min(this.nextDueMs, now)
          this.isHeldBack = true
          continue
        }
        left -= cost
        if (isAgain && !entry.hasJoined && entry.silences++ > 0) orders.silent.push(entry)
        if (isAgain) orders.ends.push(this.anew(entry))
        this.ask(entry, now)
        if (entry.asked > MAX_ASKED) orders.isVain = true
        symbols.push(entry.symbol)
        bySize.set(size, symbols)
      }
      this.nextDueMs = Math.min(this.nextDueMs, entry.dueMs, entry.sayMs > now ? entry.sayMs : Infinity)
    }
    for (const [size, symbols] of bySize) orders.asks.push(...splitArrayIntoChunks(symbols, size))
    return orders
  }

  /** When the clients of a refused symbol are to be told again. */
  sayAt(entry: Entry<P>, ms: number): void {
    entry.sayMs = ms
    this.nextDueMs = Math.min(this.nextDueMs, ms)
  }

  stateOf(symbol: string): SubscriptionState | undefined {
    const entry = this.entries.get(symbol)
    return entry && stateOf(entry)
  }

  reasonFor(symbol: string, now: number, words?: Pick<ProviderWords, 'in'>): Reason | undefined {
    const entry = this.entries.get(symbol)
    return entry === undefined || entry.state === 'leaving' ? undefined : reasonOf(entry, now, words)
  }

  /** Unanswered symbols are asked for in smaller and smaller messages, because one of them may have spoilt the others'. */
  private sizeFor({ state, asked, isAlone }: Entry<P>): number {
    const { size } = this.limits
    if (isAlone || state === 'accepted' || state === 'refused') return 1
    return state === 'wanted' ? size : Math.max(1, Math.floor(size / 4 ** asked))
  }

  private ask(entry: Entry<P>, now: number): void {
    const wasSent = entry.state === 'sent'
    const { ackWithinMs } = this.limits
    enter(entry, 'sent')
    entry.wasAccepted = false
    entry.asked = wasSent ? entry.asked + 1 : 1
    entry.missedMs = undefined
    entry.dueMs = now + (entry.asked > MAX_ASKED ? SLOW_MS : growing(ackWithinMs, entry.asked - 1))
  }

  /** What is subscribed already is unsubscribed first, so that the provider answers as to a new request. */
  private anew(entry: Entry<P>): End {
    const { symbol, channel } = entry
    entry.hasJoined = false
    this.unbind(entry)
    return { symbol, channel }
  }

  private missing(entry: Entry<P>, now: number): void {
    if (entry.missedMs !== undefined) return
    entry.missedMs = now
    this.due(entry, Math.min(entry.dueMs, now + growing(PROOF_MS, entry.silences)))
  }

  private accept(entry: Entry<P>, now: number): void {
    enter(entry, 'accepted')
    entry.wasAccepted = true
    entry.asked = 0
    entry.refusals = 0
    entry.sayMs = Infinity
    this.due(entry, now + growing(this.limits.firstDataMs, entry.silences))
  }

  private askAgain(entry: Entry<P>, atMs: number): void {
    enter(entry, 'wanted')
    this.due(entry, atMs)
  }

  private due(entry: Entry<P>, atMs: number): void {
    entry.dueMs = atMs
    this.nextDueMs = Math.min(this.nextDueMs, atMs)
  }

  private bind(entry: Entry<P>, channel: number, now: number): void {
    if (entry.channel === channel) return
    if (entry.channel !== undefined) {
      this.ends.push({ symbol: undefined, channel: entry.channel })
      this.unbind(entry)
    }
    const former = this.names.get(channel)
    if (former !== undefined) this.unbind(former)
    this.gone.delete(channel)
    this.strays.delete(channel)
    this.numberless.delete(entry)
    entry.channel = channel
    entry.confirmedMs = now
    this.names.set(channel, entry)
  }

  private unbind(entry: Entry<P>): void {
    this.numberless.delete(entry)
    if (entry.channel === undefined) return
    this.names.delete(entry.channel)
    entry.channel = undefined
  }

  private remove(entry: Entry<P>): void {
    this.unbind(entry)
    this.entries.delete(entry.symbol)
    this.names.delete(entry.symbol)
  }

  private keepGone(name: FeedName, gone: Gone): void {
    this.gone.set(name, gone)
    if (this.gone.size <= MAX_GONE) return
    this.gone.delete(this.gone.keys().next().value!)
    overflowed('left_symbols')
  }

  /** A name of nobody. If it was ours, the provider may not have heard that we left it. */
  private unknown(name: FeedName, now: number): void {
    const gone = this.gone.get(name)
    if (gone === undefined || gone.ends >= MAX_ENDS) return
    if (now - gone.atMs < growing(this.limits.ackWithinMs, gone.ends - 1)) return
    gone.ends++
    gone.atMs = now
    this.ends.push({ symbol: gone.symbol, channel: gone.channel })
  }

  /**
   * A channel whose number was never said is that of the one symbol whose channel has no number. Where there are several, the channel is
   * ended and they are asked for again, because no value may be taken for another's (ID-3).
   */
  private adopted(name: FeedName, now: number): Entry<P> | undefined {
    if (typeof name !== 'number' || this.gone.has(name) || this.numberless.size === 0) {
      this.unknown(name, now)
      return undefined
    }
    const open = [...this.entries.values()].filter(
      ({ state, channel }) => channel === undefined && state !== 'wanted' && state !== 'refused',
    )
    const [only] = open
    if (open.length === 1 && only !== undefined && this.numberless.has(only)) {
      this.bind(only, name, now)
      if (only.state === 'leaving') this.ends.push({ symbol: only.symbol, channel: name })
      return only
    }
    const sinceMs = now - (this.strays.get(name) ?? -Infinity)
    if (sinceMs >= this.limits.ackWithinMs) {
      if (this.strays.size >= MAX_STRAYS) this.strays.clear()
      this.strays.set(name, now)
      this.ends.push({ symbol: undefined, channel: name })
    }
    return undefined
  }
}

/** A pause that doubles each time, up to a limit. */
const growing = (firstMs: number, count: number): number => Math.min(SLOW_MS, firstMs * 2 ** count)
