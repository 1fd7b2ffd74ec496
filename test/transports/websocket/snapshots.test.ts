import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Adapter, AdapterEndpoint } from '../../../src/public/adapter'
import { AdapterConfig } from '../../../src/public/config'
import { type Session, WebSocketTransport } from '../../../src/public/transports'
import { type SingleNumberResultResponse } from '../../../src/public/util'
import { InputParameters } from '../../../src/public/validation'
import { type ProviderConnection, serve, type WsProvider, wsProvider } from '../../../src/testing'
import { eventually } from '../../helpers/eventually'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'] }))
afterEach(() => void vi.useRealTimers())

const SYMBOLS = ['S0', 'S1', 'S2', 'S3']
const SECOND = 1_000

interface Subscription {
  symbol: string
  connection: number
}

const isIn = (list: Subscription[], { symbol, connection }: Subscription): boolean =>
  list.some((one) => one.symbol === symbol && one.connection === connection)

type Message =
  | { yes: string }
  | { snapshot: string; seq: number; price: number }
  | { delta: string; seq: number; by: number }

/**
 * A provider that sends a snapshot and then differences, each with the next number. On every connection numbers begin anew, so that those of
 * two connections fit together. Differences may come long before the snapshot of their connection.
 */
class Market {
  /** Every price there ever was: each step is larger than all before, so that a difference that is missed or misplaced makes none of them. */
  readonly prices = new Map(SYMBOLS.map((symbol) => [symbol, [1_000]]))
  readonly asked: Subscription[] = []
  readonly lost: Subscription[] = []
  readonly cuts = new Set<number>()
  isHasty = false
  private readonly last = new Map<string, number>()
  private readonly late: (() => void)[] = []
  private readonly books = new Map<ProviderConnection, Map<string, number>>()

  constructor(readonly provider: WsProvider) {
    provider.onConnection((connection) => void this.books.set(connection, new Map()))
    provider.onMessage((text, connection) => {
      const { sub, unsub } = JSON.parse(text) as { sub?: string; unsub?: string }
      if (unsub !== undefined) this.books.get(connection)?.delete(unsub)
      if (sub !== undefined) this.subscribe(sub, connection)
    })
  }

  get subscribed(): string[] {
    return [...this.books].flatMap(([{ isOpen }, book]) => (isOpen ? [...book.keys()] : [])).sort()
  }

  /** What was asked for on another connection, although the one before was not cut and it has missed nothing there. */
  get movedInVain(): Subscription[] {
    return this.asked.filter((one, index) => {
      const before = this.asked.slice(0, index).findLast(({ symbol }) => symbol === one.symbol)
      if (before === undefined || before.connection === one.connection) return false
      return !this.cuts.has(before.connection) && !isIn(this.lost, before)
    })
  }

  priceOf(symbol: string): number {
    return this.prices.get(symbol)!.at(-1)!
  }

  /** @param isLost - whether the message never arrives */
  step(symbol: string, isLost = false): void {
    const prices = this.prices.get(symbol)!
    const by = 2 ** prices.length
    prices.push(this.priceOf(symbol) + by)
    for (const [connection, book] of this.books) {
      const seq = book.get(symbol)
      if (seq === undefined || !connection.isOpen) continue
      book.set(symbol, seq + 1)
      this.last.set(symbol, seq + 1)
      if (isLost) this.lost.push({ symbol, connection: connection.index })
      else connection.send({ delta: symbol, seq: seq + 1, by })
    }
  }

  /** Sends the snapshots that are late. */
  deliver(): void {
    for (const send of this.late.splice(0)) send()
  }

  cut(at: number): void {
    const open = [...this.books.keys()].filter(({ isOpen }) => isOpen)
    const connection = open[at % open.length]
    if (connection === undefined) return
    this.cuts.add(connection.index)
    connection.destroy()
  }

  private subscribe(symbol: string, connection: ProviderConnection): void {
    this.asked.push({ symbol, connection: connection.index })
    this.books.get(connection)!.set(symbol, 1)
    connection.send({ yes: symbol })
    if (!this.isHasty) return this.snapshot(symbol, connection)
    // What an older book would take for its next difference.
    connection.send({ delta: symbol, seq: (this.last.get(symbol) ?? 1) + 1, by: 0.5 })
    this.lost.push({ symbol, connection: connection.index })
    this.late.push(() => this.snapshot(symbol, connection))
  }

  private snapshot(symbol: string, connection: ProviderConnection): void {
    if (!connection.isOpen) return
    this.last.set(symbol, this.books.get(connection)!.get(symbol) ?? 1)
    connection.send({
      snapshot: symbol,
      seq: this.books.get(connection)!.get(symbol),
      price: this.priceOf(symbol),
    })
  }
}

const makeAdapter = (subscriptionsPerConnection: number | undefined) => {
  const config = new AdapterConfig({
    WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', required: true },
  })
  const inputParameters = new InputParameters({
    s: { description: 'Symbol', type: 'string', required: true },
  })
  type Types = {
    Parameters: typeof inputParameters.definition
    Response: SingleNumberResultResponse
    Settings: typeof config.settings
    Provider: { WsMessage: Message }
  }
  const session = (): Session<Types> => {
    const books = new Map<string, { seq: number; price: number }>()
    const value = (symbol: string, price: number) =>
      ({ values: [[symbol, { result: price, data: { result: price } }]] }) as const
    return {
      subscribe: ([sub]) => ({ sub }),
      unsubscribe: ([unsub]) => ({ unsub }),
      answer(message) {
        if ('yes' in message) return { accepted: [message.yes] }
        if ('snapshot' in message) {
          books.set(message.snapshot, message)
          return value(message.snapshot, message.price)
        }
        const { delta: symbol, seq, by } = message
        const book = books.get(symbol)
        if (book === undefined || seq !== book.seq + 1) {
          books.delete(symbol)
          return { missed: [symbol] }
        }
        books.set(symbol, { seq, price: book.price + by })
        return value(symbol, book.price + by)
      },
    }
  }
  const transport = new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    limits: subscriptionsPerConnection === undefined ? {} : { subscriptionsPerConnection },
    batches: { symbolOf: ({ s }) => s, firstDataMs: 3_600_000, session },
  })
  const price = new AdapterEndpoint({ name: 'price', transport, inputParameters, caseSensitive: true })
  return new Adapter({ name: 'BOOKS', defaultEndpoint: 'price', config, endpoints: [price] })
}

type Step =
  | { step: string }
  | { lose: string }
  | { cut: number }
  | { hasty: boolean }
  | { deliver: true }
  | { whole: true }
  | { pass: number }

const anySymbol = fc.constantFrom(...SYMBOLS)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ step: anySymbol }) },
  { weight: 2, arbitrary: fc.record({ lose: anySymbol }) },
  { weight: 2, arbitrary: fc.record({ cut: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ hasty: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ deliver: true as const }) },
  { weight: 1, arbitrary: fc.constant({ whole: true as const }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 7 }) }) },
)

const play = async (perConnection: number | undefined, steps: Step[]) => {
  await using provider = await wsProvider()
  const market = new Market(provider)
  await using service = await serve(() => makeAdapter(perConnection), {
    env: {
      WS_API_ENDPOINT: provider.url,
      BACKGROUND_EXECUTE_MS_WS: '10',
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      STREAM_HANDLER_RETRY_MAX_MS: '3000',
      STREAM_HANDLER_RETRY_EXP_FACTOR: '1',
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
      WS_SUBSCRIPTION_TTL: '3600000',
      CACHE_MAX_AGE: '3600000',
      CACHE_POLLING_MAX_RETRIES: '0',
    },
  })
  const ask = async (s: string) => {
    const { statusCode, json } = await service.post({ s })
    if (statusCode === 200) expect(market.prices.get(s)).toContain(json.result)
    else expect(statusCode).toBe(504)
    return json.result as unknown
  }
  const isWhole = () =>
    eventually(() => {
      vi.advanceTimersByTime(100)
      expect(market.subscribed).toEqual(SYMBOLS)
    })
  for (const symbol of SYMBOLS) await ask(symbol)
  await isWhole()
  for (const one of steps) {
    if ('step' in one) market.step(one.step)
    else if ('lose' in one) market.step(one.lose, true)
    else if ('cut' in one) market.cut(one.cut)
    else if ('hasty' in one) market.isHasty = one.hasty
    else if ('deliver' in one) market.deliver()
    else if ('whole' in one) await isWhole()
    else vi.advanceTimersByTime(one.pass * SECOND)
    await new Promise((resolve) => setImmediate(resolve))
    for (const symbol of SYMBOLS) await ask(symbol)
  }
  market.isHasty = false
  await isWhole()
  expect(market.movedInVain).toEqual([])
  market.deliver()
  // By which every gap is seen.
  for (const symbol of SYMBOLS) market.step(symbol)
  const beganMs = Date.now()
  await eventually(async () => {
    vi.advanceTimersByTime(SECOND)
    const results = []
    for (const symbol of SYMBOLS) results.push(await ask(symbol))
    expect(results).toEqual(SYMBOLS.map((symbol) => market.priceOf(symbol)))
  })
  // A feed that is only silent waits for a quarter of an hour.
  expect(Date.now() - beganMs).toBeLessThan(600 * SECOND)
  // Asked for once on each connection, but for those of which it has missed something.
  const again = market.asked.filter((one, index) => isIn(market.asked.slice(0, index), one))
  expect(again.filter((one) => !isIn(market.lost, one))).toEqual([])
}

/** The next connection begins with differences that would fit what is known from the one before. */
const HASTY_AGAIN: Step[] = [
  { hasty: true },
  { cut: 0 },
  { cut: 0 },
  { whole: true },
  ...Array.from({ length: 10 }, () => ({ pass: 1 })),
]

it.each([
  ['one connection', undefined],
  ['several connections', 2],
])(
  'SB-11: a difference is applied only on a snapshot of the same connection, and a gap resets only its feed, on %s',
  async (_, perConnection) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 30 }), (steps) =>
        play(perConnection, steps),
      ),
      { numRuns: 10, endOnFailure: true, examples: [[HASTY_AGAIN]] },
    )
  },
  60_000,
)
