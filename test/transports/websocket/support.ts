import { type vi } from 'vitest'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type ProviderResult, type SingleNumberResultResponse } from '../../../src/feeds/responses'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { serve, type ServeOptions, type Served } from '../../../src/testing/serve'
import { type WebSocketTransportConfig } from '../../../src/transports/websocket/config'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { InputParameters } from '../../../src/validation/input-parameters'
import { PATIENT } from '../../helpers/eventually'

export const inputParameters = new InputParameters({
  base: { description: 'Base asset', type: 'string', required: true },
  quote: { description: 'Quote asset', type: 'string', required: true },
})

export interface Tick {
  base: string
  quote: string
  price: number
  t?: number
}

export type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
  Provider: { WsMessage: { ticks?: Tick[]; refused?: { base: string; quote: string; why: string } } }
}
export type Params = typeof inputParameters.validated
export type Config = WebSocketTransportConfig<Types>

export const ETH = { base: 'ETH', quote: 'USD' }
export const BTC = { base: 'BTC', quote: 'USD' }

export const subscribe = (...feeds: Params[]) => feeds.map(({ base, quote }) => `+${base}/${quote}`)
export const unsubscribe = (...feeds: Params[]) => feeds.map(({ base, quote }) => `-${base}/${quote}`)

export const tick = (params: Params, price = 1, t?: number) => ({
  ticks: [{ ...params, price, ...(t !== undefined && { t }) }],
})

export const result = ({ base, quote, price, t }: Tick): ProviderResult<Types> => ({
  params: { base, quote },
  response: {
    result: price,
    data: { result: price },
    ...(t !== undefined && { timestamps: { providerIndicatedTimeUnixMs: t } }),
  },
})

/** A provider whose messages are `+BASE/QUOTE` and `-BASE/QUOTE`, in the letter case of the params. */
export const config = (url: Config['url'] | string, changes: Partial<Config> = {}): Config => ({
  url: typeof url === 'string' ? () => url : url,
  builders: {
    subscribeMessage: (params) => subscribe(params)[0],
    unsubscribeMessage: (params) => unsubscribe(params)[0],
  },
  ...changes,
  handlers: {
    message: ({ ticks, refused }) => {
      if (refused === undefined) return ticks?.map(result)
      const { why: errorMessage, ...params } = refused
      return [{ params, response: { statusCode: 502, errorMessage } }]
    },
    ...changes.handlers,
  },
})

export interface Line {
  level: string
  args: unknown[]
  text: string
}

/** Everything that was logged in this file since {@link logged} was emptied. */
export const logged: Line[] = []

const child = () =>
  Object.fromEntries(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [
      level,
      (...args: unknown[]) =>
        void logged.push({ level, args, text: String(typeof args[0] === 'string' ? args[0] : args[1]) }),
    ]),
  )

/** One for the file: loggers keep the factory that they first met. */
export const loggerFactory = { child } as unknown as NonNullable<
  NonNullable<ServeOptions['dependencies']>['loggerFactory']
>

export const linesAt = (...levels: string[]) =>
  logged.filter(({ level }) => levels.includes(level)).map(({ text }) => text)

export type Running = Served & { transport: WebSocketTransport<Types> }

export const run = async (
  transport: WebSocketTransport<Types>,
  env: Record<string, string> = {},
  guardMs?: number,
): Promise<Running> => {
  const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters })
  const make = () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  const service = await serve(make, {
    env: { ...PATIENT, ...env },
    dependencies: { loggerFactory },
    ...(guardMs && { guardMs }),
  })
  return Object.assign(service, { transport })
}

/** An adapter with one WebSocket endpoint, running. */
export const start = (of: Config, env?: Record<string, string>) => run(new WebSocketTransport<Types>(of), env)

/** Counts calls, and lets a test wait for the n-th from now. */
export const counter = () => {
  let count = 0
  const waiting = new Set<{ at: number; resolve: () => void }>()
  return {
    get count() {
      return count
    },
    hit: () => {
      count++
      for (const waiter of waiting) {
        if (count < waiter.at) continue
        waiting.delete(waiter)
        waiter.resolve()
      }
    },
    more: (n: number) => new Promise<void>((resolve) => waiting.add({ at: count + n, resolve })),
  }
}

type FakeTimerInstallOpts = NonNullable<Parameters<typeof vi.useFakeTimers>[0]>

export const FAKED = {
  toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
} satisfies FakeTimerInstallOpts
