import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type ProviderResult, type SingleNumberResultResponse } from '../../src/feeds/responses'
import { type BaseAdapterSettings } from '../../src/config/settings'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples } from '../../src/testing/samples'
import { serve, type Served } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { HttpTransport } from '../../src/public/transports/http'
import { SseTransport } from '../../src/transports/sse/sse-transport'
import { type Transport } from '../../src/transports/transport'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { CensorList } from '../../src/util/redaction'
import { InputParameters } from '../../src/validation/input-parameters'
import { eventually, PATIENT } from '../helpers/eventually'
import { httpProvider } from './http/support'
import { SseProvider } from './sse/provider'
import { logged, loggerFactory } from './websocket/support'

const SECRET = 'a-secret-of-the-provider'
/** The closed list, as far as these records meet it. */
const REASONS = ['handler-failed', 'not-json', 'too-large', 'not-finite', 'not-positive', 'not-a-number']
const MAX_LOGGED_BYTES = 512

const inputParameters = new InputParameters({ base: { description: 'Base', type: 'string', required: true } })
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
  Provider: { WsMessage: unknown; RequestBody: never; ResponseBody: never }
}
type Result = ProviderResult<Types>

/** One record of a message: a feed and its value, or something else. */
type Element = readonly [kind: string, base: string, value: number]

const response = (result: unknown) => ({ result, data: { result } })
const MADE: Record<string, (base: string, value: number) => unknown> = {
  good: (base, value) => ({ params: { base }, response: response(value) }),
  nothing: () => null,
  'no response': (base) => ({ params: { base } }),
  'no params': (_, value) => ({ response: response(value) }),
  'not finite': (base) => ({ params: { base }, response: response(NaN) }),
  zero: (base) => ({ params: { base }, response: response(0) }),
  'an object': (base) => ({ params: { base }, response: response({}) }),
  'a getter that throws': () => ({
    get params() {
      throw new Error('no params here')
    },
  }),
}
const BAD = Object.keys(MADE).filter((kind) => kind !== 'good')

/** An author's code, which throws at what is no list of elements. */
const read = (message: unknown): Result[] => {
  if (!Array.isArray(message)) throw new Error(`What is ${JSON.stringify(message)}?`)
  return (message as Element[]).map(([kind, base, value]) => MADE[kind]!(base, value) as Result)
}

interface Rig extends AsyncDisposable {
  service: Served
  /** Has the provider send these. */
  send: (messages: string[]) => Promise<void>
}

const run = (transport: Transport<Types>, env: Record<string, string> = {}) => {
  const guards = { onlyWanted: false }
  const endpoint = new AdapterEndpoint<Types>({ name: 'price', transport, inputParameters, guards })
  return serve(() => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] }), {
    env: { ...PATIENT, RETRY: '0', ...env },
    dependencies: { loggerFactory },
  })
}

const webSocket = async (): Promise<Rig> => {
  const provider = await wsProvider()
  const transport = new WebSocketTransport<Types>({
    url: () => provider.url,
    handlers: { message: read },
    builders: { subscribeMessage: ({ base }) => base },
  })
  const service = await run(transport)
  void service.post({ base: 'FIRST' })
  const connection = await provider.connection()
  return {
    service,
    send: async (messages) => void messages.forEach((one) => connection.send(one)),
    [Symbol.asyncDispose]: async () => void (await Promise.all([service.stop(), provider.stop()])),
  }
}

const serverSentEvents = async (): Promise<Rig> => {
  const provider = await SseProvider.start()
  const transport = new SseTransport<Types>({
    prepareSSEConnectionConfig: () => ({ url: provider.url }),
    prepareSubscriptionRequest: () => ({ url: provider.url, method: 'POST' }),
    prepareUnsubscriptionRequest: () => ({ url: provider.url, method: 'POST' }),
    eventListeners: [{ type: 'tick', parseResponse: ({ data }) => read(JSON.parse(String(data))) }],
  })
  const service = await run(transport)
  void service.post({ base: 'FIRST' })
  const stream = await provider.connection(0)
  return {
    service,
    send: async (messages) => messages.forEach((one) => stream.raw(`event: tick\ndata: ${one}\n\n`)),
    async [Symbol.asyncDispose]() {
      await service.stop()
      await provider[Symbol.asyncDispose]()
    },
  }
}

/** Each message is the answer for a feed of its own. */
const polling = async (): Promise<Rig> => {
  const bodies = new Map<string, string>()
  // Once, so that each counts once.
  const take = (path: string) => {
    const body = bodies.get(path) ?? '[]'
    bodies.delete(path)
    return Buffer.from(body)
  }
  const provider = await httpProvider((path) => ({ raw: take(path) }))
  let count = 0
  const transport = new HttpTransport<Types>({
    prepareRequests: (params) =>
      params.map((feed) => ({ params: [feed], request: { baseURL: provider.url, url: `/${feed.base}` } })),
    parseResponse: (_, { data }) => read(data),
  })
  const service = await run(transport, { RATE_LIMIT_CAPACITY_SECOND: '1000' })
  return {
    service,
    async send(messages) {
      for (const one of messages) {
        const base = `M${count++}`
        bodies.set(`/${base}`, one)
        void service.post({ base })
      }
    },
    async [Symbol.asyncDispose]() {
      await service.stop()
      await provider[Symbol.asyncDispose]()
    },
  }
}

const refusals = async (): Promise<Record<string, number>> => {
  const samples = parseSamples(await renderMetrics()).filter(
    ({ name, labels }) => name === 'data_refused_total' && labels['app_name'] === 'TEST',
  )
  return Object.fromEntries(samples.map(({ labels, value }) => [String(labels['reason']), value]))
}
const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0)

beforeEach(() => {
  logged.length = 0
})

describe.each([
  ['a WebSocket', webSocket],
  ['server-sent events', serverSentEvents],
  ['HTTP', polling],
])('records that come by %s', (_, start) => {
  it('IS-1, ER-8: are judged one by one: each good one is served, each bad one counted by a reason, and few are logged, cut and without secrets', async () => {
    await using rig = await start()
    const { service } = rig
    CensorList.set([{ key: 'KEY', value: new RegExp(SECRET, 'gi') }], 'TEST')
    const elements = fc.array(fc.constantFrom('good', ...BAD), { minLength: 1, maxLength: 8 })
    const text = fc.constantFrom(
      `{"no":"list of ${SECRET}"}`,
      `{"no":"list","long":"${'é'.repeat(5_000)}${SECRET}"}`,
      `{"${'x'.repeat(500)}${SECRET}`,
      `é${'ö'.repeat(600)}${SECRET}`,
    )
    let number = 0
    let injected = 0
    const deliver = async (messages: (string[] | string)[]) => {
      const good = new Map<string, number>()
      const texts = messages.map((message) => {
        if (typeof message === 'string') {
          injected++
          return message
        }
        const records = message.map((kind): Element => [kind, `F${++number}`, number])
        for (const [kind, base, value] of records) {
          if (kind === 'good') good.set(base, value)
          else injected++
        }
        return JSON.stringify(records)
      })
      // After all of them.
      const last = `F${++number}`
      await rig.send([...texts, JSON.stringify([['good', last, number]])])
      good.set(last, number)
      for (const [base, value] of good) expect((await service.post({ base })).json.result).toBe(value)
      await eventually(async () => {
        const counts = await refusals()
        expect(sum(counts), JSON.stringify(counts)).toBe(injected)
      })
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 3, arbitrary: elements }, text), { maxLength: 12 }),
        deliver,
      ),
      { numRuns: 12, endOnFailure: true },
    )
    const counts = await refusals()
    expect(Object.keys(counts).filter((reason) => !REASONS.includes(reason))).toEqual([])
    const lines = logged.filter(({ text: said }) => said === 'Refused what the provider sent')
    // One for each reason, within an interval.
    expect(lines.length).toBe(Object.keys(counts).length)
    for (const { level, args } of lines) {
      expect(level).toBe('debug')
      const { detail, err } = args[0] as { detail: string; err?: { message: string } }
      for (const said of [detail, err?.message ?? ''])
        expect(Buffer.byteLength(said)).toBeLessThanOrEqual(MAX_LOGGED_BYTES + 3)
      expect(JSON.stringify(args)).not.toContain(SECRET.slice(0, 4))
    }
    CensorList.set([], 'TEST')
  })
})
