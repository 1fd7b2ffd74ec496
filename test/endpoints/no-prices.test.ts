import { describe, expect, it, onTestFinished } from 'vitest'
import { createAdapter as bitfinex } from '../../endpoints/bitfinex'
import { createAdapter as coinbase } from '../../endpoints/coinbase'
import { createAdapter as kraken } from '../../endpoints/kraken'
import { type ProviderConnection, serve, wsProvider } from '../../src/testing'
import { type LoggerFactory } from '../../src/util/logging'
import { eventually } from '../helpers/eventually'

type Sides = { last: unknown; bid: unknown; ask: unknown }

interface Venue {
  createAdapter: typeof bitfinex | typeof coinbase | typeof kraken
  /** Accepts what this message asks for. */
  accept: (text: string, connection: ProviderConnection) => void
  greeting?: object
  frame: (sides: Sides, n: number) => object
}

const CHANNEL = 7

const VENUES: Record<string, Venue> = {
  COINBASE: {
    createAdapter: coinbase,
    accept: (text, connection) => {
      const { type, product_ids } = JSON.parse(text) as { type: string; product_ids: string[] }
      const channels = ['ticker', 'heartbeat'].map((name) => ({ name, product_ids }))
      if (type === 'subscribe') connection.send({ type: 'subscriptions', channels })
    },
    frame: ({ last: price, bid: best_bid, ask: best_ask }, n) => ({
      type: 'ticker',
      sequence: n,
      trade_id: n,
      product_id: 'ETH-USD',
      time: new Date().toISOString(),
      price,
      best_bid,
      best_ask,
    }),
  },
  KRAKEN: {
    createAdapter: kraken,
    accept: (text, connection) => {
      const { method, req_id } = JSON.parse(text) as { method: string; req_id: number }
      const result = { channel: 'ticker', symbol: 'ETH/USD' }
      if (method === 'subscribe') connection.send({ method, result, success: true, req_id })
    },
    greeting: { channel: 'status', type: 'update', data: [{ system: 'online' }] },
    frame: (sides) => ({
      channel: 'ticker',
      type: 'update',
      data: [{ symbol: 'ETH/USD', ...sides, timestamp: new Date().toISOString() }],
    }),
  },
  BITFINEX: {
    createAdapter: bitfinex,
    accept: (text, connection) => {
      const { event, flags } = JSON.parse(text) as { event: string; flags: number }
      if (event === 'conf') connection.send({ event, status: 'OK', flags })
      if (event === 'subscribe')
        connection.send({ event: 'subscribed', channel: 'ticker', chanId: CHANNEL, symbol: 'tETHUSD' })
    },
    greeting: { event: 'info', version: 2, platform: { status: 1 } },
    frame: ({ last, bid, ask }) => [CHANNEL, [bid, 1, ask, 1, 0, 0, last, 900, 2000, 1700], Date.now()],
  },
}

const NONE: readonly (readonly [value: unknown, reason: string])[] = [
  [null, 'missing'],
  [undefined, 'missing'],
  ['', 'missing'],
  ['0', 'not-positive'],
  [0, 'not-positive'],
  ['0.000', 'not-positive'],
  [-1, 'not-positive'],
  ['-1.5', 'not-positive'],
  ['NaN', 'not-a-number'],
  ['Infinity', 'not-a-number'],
  ['-Infinity', 'not-a-number'],
  ['1e999', 'not-a-number'],
  ['1,800.50', 'not-a-number'],
  [' ', 'not-a-number'],
  ['0x10', 'not-a-number'],
  [true, 'not-a-number'],
  [[5], 'not-a-number'],
  [{}, 'not-a-number'],
]

/** Every value as the last trade with no book and with a worthless one. */
const FRAMES = NONE.flatMap(([value, reason]) => [
  { sides: { last: value, bid: null, ask: null }, reason },
  { sides: { last: value, bid: value, ask: value }, reason },
])

type Line = [fields: { reason: string; detail: string }, text: string]

/** What is logged at debug level. Loggers keep the factory that they were first used with, so there is one for all tests. */
const logged: Line[] = []
const nothing = () => undefined
const logger = {
  ...{ fatal: nothing, error: nothing, warn: nothing, info: nothing, trace: nothing },
  debug: (...line: Line) => void logged.push(line),
}
const loggerFactory = { child: () => logger } as unknown as LoggerFactory

const refusals = () =>
  logged
    .filter(([, text]) => text === 'Refused what the provider sent')
    .map(([{ reason, detail }]) => `${reason}: ${detail}`)

/** A frame of a venue, with its channel's number where it has those, and nothing where the prices should be. */
const BARE: readonly (readonly [venue: string, frames: object[]])[] = [
  ['COINBASE', [{ type: 'ticker', product_id: 'ETH-USD' }]],
  ['KRAKEN', [{ channel: 'ticker', data: [{ symbol: 'ETH/USD' }] }]],
  ['BITFINEX', [[CHANNEL], [CHANNEL, null], [CHANNEL, 5], [CHANNEL, {}], [CHANNEL, []]]],
]

const feed = { base: 'ETH', quote: 'USD' }

/** A venue that has accepted the subscription of a feed, and sent nothing for it. */
const subscribed = async (name: string) => {
  const { createAdapter, accept, greeting } = VENUES[name]!
  const provider = await wsProvider()
  onTestFinished(() => provider[Symbol.asyncDispose]())
  provider.onConnection((connection) => void (greeting && connection.send(greeting)))
  provider.onMessage(accept)
  const service = await serve(createAdapter, {
    dependencies: { loggerFactory },
    env: {
      [`${name}_WS_API_ENDPOINT`]: provider.url,
      BACKGROUND_EXECUTE_MS_WS: '10',
      CACHE_POLLING_MAX_RETRIES: '0',
    },
  })
  onTestFinished(() => service.stop())
  const count = async (reason: string) =>
    (await service.metric('data_refused_total', { app_name: name, reason })) ?? 0
  await service.post(feed)
  const connection = await provider.connection()
  await eventually(async () => expect((await service.post(feed)).json.error.reason.code).toBe('NO_DATA_YET'))
  /** Resolves when the frame has been counted for this reason, with the client's answer. */
  const refuse = async (frame: object, reason: string) => {
    const before = await count(reason)
    connection.send(frame)
    await eventually(async () => expect([frame, await count(reason)]).toEqual([frame, before + 1]))
    const { statusCode, json } = await service.post(feed)
    return {
      statusCode,
      reason: json.error?.reason as object | undefined,
      errorMessage: json.errorMessage as unknown,
    }
  }
  return { refuse }
}

const named = (reason: string) => ({
  statusCode: 504,
  reason: { code: 'REFUSED_VALUE', class: 'guard', message: `The last value was refused: ${reason}` },
})

describe('prices that are none', () => {
  it.each(Object.keys(VENUES))(
    'ER-1: are counted and named to the client, each of them: %s',
    async (name) => {
      const { refuse } = await subscribed(name)
      for (const [n, { sides, reason }] of FRAMES.entries())
        expect([sides, await refuse(VENUES[name]!.frame(sides, n + 1), reason)]).toMatchObject([
          sides,
          named(reason),
        ])
    },
  )

  it.each(Object.keys(VENUES))('are logged once for each reason, with the symbol: %s', async (name) => {
    const { refuse } = await subscribed(name)
    logged.length = 0
    for (const [n, { sides, reason }] of FRAMES.entries())
      await refuse(VENUES[name]!.frame(sides, n + 1), reason)
    expect(refusals()).toEqual(
      ['missing', 'not-positive', 'not-a-number'].map(
        (reason) => expect.stringMatching(new RegExp(`^${reason}: "?data of t?ETH.?USD`)) as string,
      ),
    )
  })

  it.each(BARE)('ER-1: are counted and named where there is no place for one: %s', async (name, frames) => {
    const { refuse } = await subscribed(name)
    for (const frame of frames)
      expect([frame, await refuse(frame, 'missing')]).toMatchObject([frame, named('missing')])
  })

  it.each(['KRAKEN', 'BITFINEX'])(
    'FR-1: on one side of the book leave no price, and are counted and named: %s',
    async (name) => {
      const { refuse } = await subscribed(name)
      for (const [n, [value]] of NONE.entries()) {
        const sides = { last: 5, bid: value, ask: 6 }
        const answer = await refuse(VENUES[name]!.frame(sides, n + 1), 'invalid-result')
        expect([sides, answer]).toMatchObject([
          sides,
          {
            statusCode: 502,
            errorMessage: 'The last trade has no time of its own, and there is no book to hold it against',
          },
        ])
      }
    },
  )
})
