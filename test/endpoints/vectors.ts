import { expect } from 'vitest'
import { LoggerFactoryProvider } from '../../src/public/util'
import { read } from '../helpers/repository'

/** One frame of a provider, and what an adapter must make of it. */
export interface Vector {
  dir: 'in' | 'out'
  kind: string
  transport: 'ws' | 'http' | 'sse'
  frame: string
  expect: Expected | Expected[] | null
  source: string
  context?: string
}

export interface Expected {
  base: string
  quote: string
  result: number
  providerIndicatedTimeUnixMs: number | null
  bid?: number
  mid?: number
  ask?: number
}

export type Pair = { base: string; quote: string }

export interface Result {
  params: Pair
  response: {
    result?: number
    errorMessage?: string
    data?: { result: number; bid?: number; mid?: number; ask?: number }
    timestamps?: { providerIndicatedTimeUnixMs?: number }
  }
}

/** What unit tests of adapters reach into a transport for (contract 10.4: `config` is there at run time). */
interface Internals {
  config: {
    handlers: {
      message: (message: unknown, context: unknown) => Result[] | undefined
    }
  }
  subscriptionMessageBuilder: (context: unknown, deltas: object) => unknown[]
  lastMessageReceivedAt: number
  deserializeMessage: (data: string) => unknown
}

const context = { endpointName: 'price', adapterSettings: { CACHE_MAX_AGE: 90_000 } }

/** Frames that came over a WebSocket. Bodies of the providers' REST services are for transports that do not exist yet. */
export const vectorsOf = (provider: string): Vector[] =>
  read(`test/fixtures/providers/${provider}.ndjson`)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector)
    .filter(({ transport }) => transport === 'ws')

/** The frames of some providers in one direction, titled for `it.each`. */
export const titled = (dir: 'in' | 'out', ...providers: string[]): (readonly [string, Vector])[] =>
  providers
    .flatMap(vectorsOf)
    .filter((vector) => vector.dir === dir)
    .map((vector) => [`${vector.kind} ${vector.frame}`, vector])

/** The frame that a provider's vectors have for this kind of message of ours, by a part of it. */
export const frameOf = (provider: string, kind: string, part = ''): string => {
  const found = vectorsOf(provider).find(
    (one) => one.dir === 'out' && one.kind === kind && one.frame.includes(part),
  )
  if (found === undefined) throw new Error(`${provider} has no ${kind} with ${part}`)
  return found.frame
}

/** A transport without a connection, adapter or cache: what it would send, and what it makes of a frame. */
export const bench = (endpoint: { transportRoutes: { get: (name: string) => object } }) => {
  LoggerFactoryProvider.set()
  const transport = endpoint.transportRoutes.get('default_single_transport') as unknown as Internals
  return {
    /** When the last sign of life came, in Unix ms. */
    lastMessageReceivedAt: () => transport.lastMessageReceivedAt,
    subscribe: (...pairs: Pair[]) => {
      const feeds = pairs.map(({ base, quote }) => ({ base, quote }))
      return transport.subscriptionMessageBuilder(context, { desired: feeds, new: feeds, stale: [] })
    },
    unsubscribe: (...feeds: Pair[]) =>
      transport.subscriptionMessageBuilder(context, { desired: [], new: [], stale: feeds }),
    receive: (frame: string | object): Result[] => {
      const text = typeof frame === 'string' ? frame : JSON.stringify(frame)
      return transport.config.handlers.message(transport.deserializeMessage(text), context) ?? []
    },
  }
}

export const expectedOf = ({ expect: expected }: Vector): Expected[] =>
  expected === null ? [] : Array.isArray(expected) ? expected : [expected]

export const pricesIn = (results: Result[]): Result[] =>
  results.filter(({ response }) => response.errorMessage === undefined)

/** Prices within 1e-9 of the vector's, times exact, and nothing besides. */
export const expectPrices = (results: Result[], expected: Expected[]): void => {
  const near = (value: number | undefined): unknown =>
    value === undefined ? undefined : expect.closeTo(value, 9 - Math.floor(Math.log10(value)))
  expect(pricesIn(results)).toEqual(
    expected.map(({ base, quote, result, bid, mid, ask, providerIndicatedTimeUnixMs }) => ({
      params: { base, quote },
      response: {
        result: near(result),
        data: { result: near(result), bid: near(bid), mid: near(mid), ask: near(ask) },
        timestamps: { providerIndicatedTimeUnixMs: providerIndicatedTimeUnixMs ?? undefined },
      },
    })),
  )
}
