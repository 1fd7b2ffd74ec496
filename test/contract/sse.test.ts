import { EventSource } from 'eventsource'
import { type ProviderResult } from '../../src/feeds/responses'
import { SseProvider } from '../transports/sse/provider'
import { config, type Params, start, type Tick, type Types } from '../transports/sse/support'
import { GUARD_MS, SOON, testTransport } from './transport'

const params = (n: number): Params => ({ base: `F${n}` })

const parse = ({ data }: { data: unknown }): ProviderResult<Types>[] => {
  const ticks = JSON.parse(String(data)) as (Tick | null)[]
  return ticks.flatMap((tick) => {
    if (tick !== null)
      return [{ params: { base: tick.base }, response: { result: tick.price, data: { result: tick.price } } }]
    const bad: unknown[] = [null, {}, { params: params(9) }]
    const notFinite = { params: params(9), response: { result: NaN, data: { result: NaN } } }
    return [...bad, notFinite] as ProviderResult<Types>[]
  })
}

testTransport('the transport for server-sent events', {
  lacks: {
    'a goodbye': 'A stream of events ends without a word.',
    'an announced end': 'A stream has no close frame: its end is the end of the answer.',
  },
  async start() {
    const provider = await SseProvider.start()
    let place = 0
    let current = 0
    /** Subscriptions before this one were for other streams. */
    let mark = 0
    let hesitant: EventSource | undefined

    /** May be asked to close, and go on listening: a class that somebody injected need not be quick. */
    class Hesitant extends EventSource {
      override close(): void {
        if (hesitant !== this) super.close()
      }
    }
    const service = await start(
      config(() => `${provider.url}/${place}`, { eventListeners: [{ type: 'tick', parseResponse: parse }] }),
      SOON,
      { eventSource: Hesitant },
      GUARD_MS,
    )
    const stream = () => provider.connection(current)
    const send = async (...ticks: (Tick | null)[]) => (await stream()).event('tick', ticks)
    const moveOn = () => {
      current++
      mark = provider.calls.length
    }
    const leave = async () => {
      const { [current]: last } = provider.streams
      if (last === undefined) return
      moveOn()
      last.destroy()
      await last.gone
    }
    const wanted = async (n: number) => {
      await stream()
      await provider.until(() =>
        provider.calls.slice(mark).some(({ path, body }) => path === '/subscribe' && body.includes(`F${n}`)),
      )
    }
    return {
      service,
      params,
      wanted,
      sample: 'event: tick\ndata: [{"base":"F0","price":1}]',
      async sendHostile(ones) {
        const to = await stream()
        for (const { bytes } of ones) {
          to.raw(bytes)
          to.raw('\n\n')
        }
      },
      send: (n, value) => send({ ...params(n), price: value }),
      sendThrowing: async () => (await stream()).raw('event: tick\ndata: no JSON\n\n'),
      sendBroken: (n, value) => send(null, { ...params(n), price: value }, null),
      cut: leave,
      async late(n, value) {
        const old = await stream()
        const source = (hesitant = service.transport.sseConnection!)
        // Told after the transport's own listener.
        const heard = new Promise((resolve) => source.addEventListener('tick', resolve))
        moveOn()
        place++
        await wanted(n)
        old.event('tick', [{ ...params(n), price: value }])
        await heard
        hesitant = undefined
        source.close()
        await old.gone
      },
      async refuse() {
        provider.answer = 503
        await leave()
      },
      accept: () => void (provider.answer = 'stream'),
      gone: async () => void (await Promise.all(provider.streams.map(({ gone }) => gone))),
      async end() {
        await service.stop()
        await provider[Symbol.asyncDispose]()
      },
    }
  },
})
