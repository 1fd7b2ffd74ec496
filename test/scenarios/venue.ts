import WebSocket from 'ws'
import { type Model } from './model'
import { type Time } from './time'
import { venues, type VirtualSocket } from './virtual-socket'

/** What a tick may say that is wrong. */
export const LIES = ['zero', 'times-100', 'by-100', 'old', 'future', 'other', 'null'] as const
export type Lie = (typeof LIES)[number]

/** Symbols that begin so are taken, and never tick. */
export const NEVER_TRADED = 'NEVER'

export interface VenueOptions {
  /** How often each subscribed symbol ticks. */
  everyMs: number
  /** The name of the feed in the model, for a symbol. Default: the symbol. */
  feedOf?: (symbol: string) => string
  /** The price of a symbol is near this. Default: each has its own power of ten. */
  priceOf?: (symbol: string) => number
}

interface Logged {
  atMs: number
  what: string
}

/**
 * A provider in virtual time that does as it is told, and keeps what it got. It takes `+SYMBOL` and `-SYMBOL`, and sends
 * `{ s, p, t }`. What it sends is told to the model as far as it is honest and goes to a connection that was not left.
 */
export class Venue {
  readonly url: string
  /** Those that have not ended, at either end. */
  readonly connections = new Set<VirtualSocket>()
  /** Handshakes that were taken. */
  opened = 0
  mode: 'accept' | 'refuse' | 'hang' | { status: number; retryAfter?: string } = 'accept'
  /** Messages and pings that it allows on one connection, and how often that was broken. */
  limit: { count: number; perMs: number } = { count: Infinity, perMs: 1 }
  broken = 0
  /** Subscribing one of these ends the connection. */
  readonly poison = new Set<string>()
  /** Nothing is sent for these, though they are subscribed. */
  readonly silent = new Set<string>()
  /** Pings are answered and subscriptions taken, but no tick comes. */
  isDead = false
  /** How many ticks of a hundred lie. */
  liesPercent = 0
  readonly told = new Map<Lie, number>()
  readonly log: Logged[] = []
  /** Looks at each connection that is made; the code with which it is closed, or undefined. */
  admits: (socket: VirtualSocket) => number | undefined = () => undefined
  /** Looks at each open connection before it ticks; the code with which it is closed, or undefined. */
  keeps: (socket: VirtualSocket) => number | undefined = () => undefined
  private readonly timer: ReturnType<typeof setInterval>
  private readonly serials = new Map<string, number>()
  private readonly lastWasLie = new Set<string>()

  constructor(
    private readonly name: string,
    private readonly time: Time,
    private readonly model: Model,
    private readonly random: () => number,
    private readonly of: VenueOptions,
  ) {
    this.url = `ws://${name}/`
    venues.set(name, this)
    this.timer = setInterval(() => this.tickAll(), of.everyMs)
  }

  get open(): VirtualSocket[] {
    return [...this.connections].filter(({ readyState }) => readyState === WebSocket.OPEN)
  }

  /** What is subscribed on all connections; a symbol that is so twice is there twice. */
  get subscribed(): string[] {
    return this.open
      .flatMap(({ subscribed }) => [...subscribed].flatMap(([symbol, n]) => Array<string>(n).fill(symbol)))
      .sort()
  }

  dialled(socket: VirtualSocket): void {
    const { mode } = this
    if (mode === 'hang') return
    if (mode === 'refuse') return socket.fail('connection refused')
    if (mode !== 'accept') return this.refuse(socket, mode)
    this.note('connect')
    this.opened++
    socket.openedMs = this.time.elapsedMs
    this.connections.add(socket)
    socket.open()
    const code = this.admits(socket)
    if (code !== undefined) socket.end(code)
  }

  received(socket: VirtualSocket, text: string): void {
    this.note(text)
    this.count(socket)
    const symbol = text.slice(1)
    const count = socket.subscribed.get(symbol) ?? 0
    if (text.startsWith('-')) {
      if (count > 1) socket.subscribed.set(symbol, count - 1)
      else socket.subscribed.delete(symbol)
    } else if (text.startsWith('+')) {
      if (this.poison.has(symbol)) return socket.end(1008, 'bad symbol')
      socket.subscribed.set(symbol, count + 1)
      this.tick(socket, symbol)
    }
  }

  pinged(socket: VirtualSocket): void {
    this.note('ping')
    this.count(socket)
  }

  ended(socket: VirtualSocket): void {
    socket.endedMs = this.time.elapsedMs
    this.connections.delete(socket)
  }

  /** Makes a connection half-open. */
  freeze(socket: VirtualSocket): void {
    socket.isFrozen = true
    socket.frozenMs = this.time.elapsedMs
  }

  /** Loses a subscription, and says nothing. */
  forget(symbol: string): void {
    for (const { subscribed } of this.open) subscribed.delete(symbol)
  }

  /** It reads and writes again: what it sends has the time of now. */
  thaw(socket: VirtualSocket): void {
    socket.isFrozen = false
    for (const symbol of socket.subscribed.keys()) this.tick(socket, symbol)
  }

  readonly thawAll = (): void => {
    for (const socket of this.connections) socket.isFrozen = false
  }

  stop(): void {
    clearInterval(this.timer)
    for (const socket of this.connections) socket.end(1001)
    venues.delete(this.name)
  }

  private refuse(
    socket: VirtualSocket,
    { status, retryAfter }: { status: number; retryAfter?: string },
  ): void {
    this.note('refused')
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    const response = { statusCode: status, headers, on: () => {} }
    socket.emit('unexpected-response', {}, response)
    process.nextTick(() => socket.end(1006))
  }

  private count({ came }: VirtualSocket): void {
    const now = this.time.monotonicMs
    came.push(now)
    while (came[0]! <= now - this.limit.perMs) came.shift()
    if (came.length > this.limit.count) this.broken++
  }

  private note(what: string): void {
    this.log.push({ atMs: this.time.elapsedMs, what })
    if (this.log.length > 20_000) this.log.splice(0, 10_000)
  }

  private tickAll(): void {
    for (const socket of this.open) {
      const code = this.keeps(socket)
      if (code !== undefined) socket.end(code)
    }
    if (this.isDead) return
    for (const socket of this.open) for (const symbol of socket.subscribed.keys()) this.tick(socket, symbol)
  }

  private tick(socket: VirtualSocket, symbol: string): void {
    if (this.isDead || socket.isFrozen || this.silent.has(symbol)) return
    if (symbol.startsWith(NEVER_TRADED)) return
    // Never two lies in a row, and none as the first word on a feed.
    const mayLie = this.serials.has(symbol) && !this.lastWasLie.has(symbol)
    if (mayLie && this.random() * 100 < this.liesPercent) {
      this.lastWasLie.add(symbol)
      return this.lie(socket, symbol)
    }
    this.lastWasLie.delete(symbol)
    const [p, t] = [this.nextPrice(symbol), this.time.trueMs]
    // Told before it is sent: it may be served within the call.
    if (!socket.isLeft) this.model.sent(this.of.feedOf?.(symbol) ?? symbol, p, t)
    socket.deliver({ s: symbol, p, t })
  }

  private lie(socket: VirtualSocket, symbol: string): void {
    const lie = LIES[Math.floor(this.random() * LIES.length)]!
    this.told.set(lie, (this.told.get(lie) ?? 0) + 1)
    const [truth, now] = [this.nextPrice(symbol), this.time.trueMs]
    const said: Record<Lie, { p: unknown; t: number }> = {
      zero: { p: 0, t: now },
      'times-100': { p: truth * 100, t: now },
      'by-100': { p: truth / 100, t: now },
      old: { p: truth, t: now - 120_000 },
      future: { p: truth, t: now + 3_600_000 },
      other: { p: this.nextPrice(`${symbol}0`), t: now },
      null: { p: null, t: now },
    }
    socket.deliver({ s: symbol, ...said[lie] })
  }

  /** Never the same twice, near the symbol's own price. */
  private nextPrice(symbol: string): number {
    const serial = (this.serials.get(symbol) ?? 0) + 1
    this.serials.set(symbol, serial)
    const near = this.of.priceOf?.(symbol) ?? priceNear(symbol)
    return near * (1 + serial / 1e6)
  }
}

/** A symbol ends with digits; each more makes it a thousand times as dear, each other digit differs by a few percent. */
const priceNear = (symbol: string): number => {
  const digits = /\d*$/.exec(symbol)?.[0] ?? ''
  return 1_000 ** digits.length * (1 + Number(digits.slice(0, 6)) / 1e4)
}
