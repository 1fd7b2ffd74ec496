import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wsProvider } from '../../src/testing/ws-provider'
import { serve, type ServeOptions } from '../../src/testing/serve'
import { eventually } from '../helpers/eventually'
import { JSON_HEADERS, stillAdapter } from '../http/support'
import { httpAdapter, httpProvider, oneByOne } from './http/support'
import { SseProvider } from './sse/provider'
import { config as sseConfig, logged as sseLogged, start as startSse } from './sse/support'
import { elapse } from './websocket/held-clock'
import { config, ETH, FAKED, logged, loggerFactory, result, start, tick } from './websocket/support'

const MINUTE = 60_000
const MINUTES = 20
/** The set number: lines of one cause in a minute. */
const PER_MINUTE = 10

beforeEach(() => {
  vi.useFakeTimers({ ...FAKED, now: 1_700_000_000_000 })
  logged.length = sseLogged.length = 0
})
afterEach(() => void vi.useRealTimers())

const dependencies: ServeOptions['dependencies'] = { loggerFactory }
const WANTED = {
  CACHE_POLLING_MAX_RETRIES: '0',
  WS_SUBSCRIPTION_TTL: '3600000',
  SSE_SUBSCRIPTION_TTL: '3600000',
}

/** One cause has one text but for its numbers. `trace` is for single messages. */
const causesOf = (lines: readonly { level: string; text: string }[]) => {
  const counts = new Map<string, number>()
  for (const { level, text } of lines) {
    if (level === 'trace') continue
    const cause = `${level} ${text.replace(/\d+/g, 'n')}`
    counts.set(cause, (counts.get(cause) ?? 0) + 1)
  }
  return counts
}

/** Both suites’ logs: loggers keep the factory that they first met in this file. */
const all = () => [...logged, ...sseLogged]
const forget = () => void (logged.length = sseLogged.length = 0)

/** Lets a fault last, and looks at each minute by itself, from the second on. */
const lasting = async (everyStep: () => unknown = () => {}) => {
  for (let minute = 0; minute < MINUTES; minute++) {
    forget()
    for (let step = 0; step < 6; step++) {
      await everyStep()
      await elapse(MINUTE / 6, MINUTE / 6)
    }
    for (const [cause, count] of causesOf(all())) expect(count, cause).toBeLessThanOrEqual(PER_MINUTE)
  }
}

const said = (causes: Map<string, number>) => [...causes.keys()].join('\n')

describe('OB-4: a fault that lasts has few lines a minute for each cause, and the first at once', () => {
  it('where a WebSocket is refused', async () => {
    await using provider = await wsProvider()
    provider.refuse(503)
    await using service = await start(config(provider.url), WANTED)
    await service.post(ETH)
    await provider.handshake(1)
    await eventually(() => expect(said(causesOf(logged))).toContain('Unexpected server response'))
    await lasting()
  })

  it('where each of thousands of messages cannot be read, or makes the handler throw', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    of.handlers.message = (message) => {
      if (message.refused !== undefined) throw new Error('what is this?')
      return message.ticks?.map(result)
    }
    await using service = await start(of, WANTED)
    await service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    const flood = async () => {
      for (let n = 0; n < 200; n++) {
        connection.send(`no json ${n}`)
        connection.send({ refused: { ...ETH, why: `${n}` } })
      }
      connection.send(tick(ETH, 5))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await flood()
    await eventually(() => expect(said(causesOf(logged))).toContain('debug Refused what the provider sent'))
    await lasting(flood)
    // Two reasons, and a line a minute for each, with how often it was meanwhile.
    const lines = logged.filter(({ text }) => text === 'Refused what the provider sent')
    const repeats = lines.map(({ args: [fields] }) => (fields as { repeated: number }).repeated)
    expect(repeats.length).toBeLessThanOrEqual(4)
    expect(Math.max(...repeats)).toBeGreaterThan(500)
  })

  it('where a stream is refused', async () => {
    await using provider = await SseProvider.start()
    provider.answer = 503
    await using service = await startSse(sseConfig(provider.url), WANTED)
    await service.post({ base: 'ETH' })
    await eventually(() => expect(said(causesOf(all()))).toMatch(/stream of price .* failed/))
    await lasting()
  })

  it('where an HTTP provider fails', async () => {
    await using provider = await httpProvider(() => ({ status: 500 }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: WANTED,
      dependencies,
    })
    await service.post({ base: 'ETH' })
    await provider.seen(1)
    await lasting()
  })

  it('where clients go on sending what is refused: the first of a minute, and then how many more there were', async () => {
    await using service = await serve(stillAdapter().adapter, { env: WANTED, dependencies })
    const refused = async (times: number) => {
      for (let n = 0; n < times; n++)
        await service.api.inject({
          method: 'POST',
          url: '/',
          headers: JSON_HEADERS,
          payload: '{"data":{"base":5}}',
        })
      const lines = logged.filter(({ level, text }) => level === 'warn' && text.includes('Param: base'))
      logged.length = 0
      return lines
    }
    expect(await refused(1)).toHaveLength(1)
    expect(await refused(400)).toEqual([])
    await elapse(MINUTE, MINUTE)
    const [next, ...more] = await refused(2)
    expect([(next!.args[0] as { repeated: number }).repeated, more.length]).toEqual([400, 0])
  })
})
