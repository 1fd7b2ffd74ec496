import { once } from 'node:events'
import { connect } from 'node:net'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { serve, type Served } from '../../src/testing/serve'
import { asyncLocalStorage, type LoggerFactory } from '../../src/util/logging'
import { AdapterConnectionError } from '../../src/validation/errors'
import { eventually } from '../helpers/eventually'
import { JSON_HEADERS, stillAdapter, StillTransport, stoppable } from './support'

interface Line {
  level: string
  layer: string
  fields: Record<string, unknown>
  store: unknown
}

/** A logger keeps the first factory it meets, so all tests of this file share one. */
const lines: Line[] = []
const loggerFactory = {
  child: ({ layer }: { layer: string }) =>
    Object.fromEntries(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [
        level,
        (fields: unknown) =>
          void lines.push({
            level,
            layer,
            fields: fields as Record<string, unknown>,
            store: asyncLocalStorage.getStore(),
          }),
      ]),
    ),
} as unknown as LoggerFactory

const ETH = { base: 'ETH', quote: 'USD' }
const timestamps = {
  providerDataRequestedUnixMs: 1,
  providerDataReceivedUnixMs: 1,
  providerIndicatedTimeUnixMs: 1,
}

class ThrowingTransport extends StillTransport {
  error: Error | undefined
  foregroundExecute(): Promise<void> {
    return this.error === undefined ? Promise.resolve() : Promise.reject(this.error)
  }
}

const start = async () => {
  const transport = new ThrowingTransport()
  const options = { dependencies: { loggerFactory }, env: { CACHE_POLLING_MAX_RETRIES: '0' } }
  return stoppable({ transport, service: await serve(stillAdapter({ transport }).adapter, options) })
}

const reports = () => lines.filter(({ layer }) => layer === 'ErrorResponse')

const send = (service: Served, payload: string) =>
  service.api.inject({
    method: 'POST',
    url: '/',
    headers: { ...JSON_HEADERS, 'x-correlation-id': 'the id' },
    payload,
  })

beforeEach(() => void (lines.length = 0))

describe('the report of an error', () => {
  it('has the level that its kind deserves', async () => {
    await using started = await start()
    const { transport, service } = started
    await service.post(ETH)
    await service.post({ base: 5 })
    transport.error = new AdapterConnectionError({}, timestamps)
    await service.post(ETH)
    transport.error = Object.assign(new Error('x'), { name: 'ReplyError' })
    await service.post(ETH)
    transport.error = new Error('a bug')
    await service.post(ETH)
    expect(reports().map(({ level }) => level)).toEqual(['debug', 'warn', 'warn', 'warn', 'error'])
  })

  it('says what was asked, what went wrong, and with which correlation id', async () => {
    await using started = await start()
    const { transport, service } = started
    transport.error = new Error('a bug')
    const payload = JSON.stringify({ endpoint: 'CRYPTO', data: ETH })
    await send(service, payload)
    expect(reports()).toMatchObject([
      {
        store: { correlationId: 'the id' },
        fields: {
          endpointName: 'price',
          requestEndpointName: 'crypto',
          transportName: 'default_single_transport',
          cacheKey: 'TEST-price-default_single_transport-{"base":"eth","quote":"usd"}',
          error: { name: 'Error', message: 'a bug', stack: expect.stringContaining('a bug') as string },
          reqBody: payload,
        },
      },
    ])
  })

  it('of a body that is no JSON has the correlation id too', async () => {
    await using started = await start()
    const { service } = started
    await send(service, '{"data"')
    expect(reports()).toMatchObject([{ store: { correlationId: 'the id' }, fields: { reqBody: '{"data"' } }])
  })

  it('HT-3: shows only the beginning of a long body', async () => {
    await using started = await start()
    const { service } = started
    await send(service, JSON.stringify({ data: { base: 5, quote: 'x'.repeat(100_000) } }))
    expect((reports()[0]?.fields['reqBody'] as string).length).toBeLessThan(1_100)
  })

  it('is one line for one request', async () => {
    await using started = await start()
    const { service } = started
    await send(service, '')
    await send(service, 'null')
    await send(service, JSON.stringify({ data: ETH }))
    expect(reports()).toHaveLength(3)
  })

  it('OB-4: is at debug for what clients do wrong, but for one a minute of each kind, with the number of the others', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using started = await start()
    const { service } = started
    const wrong = (n: number) => [
      `{"no json ${n}`,
      JSON.stringify({ data: { base: n, quote: 'USD' } }),
      JSON.stringify({ endpoint: `x${n}`, data: ETH }),
      JSON.stringify({ data: { ...ETH, overrides: n + 1 } }),
    ]
    for (let n = 0; n < 100; n++) for (const payload of wrong(n)) await send(service, payload)
    const seen = reports().filter(({ level }) => level !== 'debug')
    expect(seen.length).toBeLessThanOrEqual(4)
    expect(reports()).toHaveLength(400)
    lines.length = 0
    vi.advanceTimersByTime(60_000)
    for (const payload of wrong(100)) await send(service, payload)
    const counted = reports().map(({ fields: { repeated } }) => repeated ?? 0) as number[]
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(400 - seen.length)
  })

  it('is at debug for clients that leave in the middle of a body, and their requests are not counted', async () => {
    const still = stillAdapter()
    const options = { dependencies: { loggerFactory }, env: { CACHE_POLLING_MAX_RETRIES: '0' }, listen: true }
    await using service = await serve(still.adapter, options)
    const { port } = new URL(service.url ?? '')
    const head =
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n'
    for (let time = 0; time < 5; time++) {
      const socket = connect(Number(port), '127.0.0.1')
      const arrived = once(service.api.server, 'request')
      socket.write(`${head}{"data":`)
      await arrived
      socket.resetAndDestroy()
    }
    await eventually(() => expect(reports()).toHaveLength(5))
    expect(reports().map(({ level }) => level)).toEqual(Array(5).fill('debug'))
    expect(await service.metric('http_requests_total', { method: 'POST' })).toBeUndefined()
  })

  it('does not exist for requests that are answered well', async () => {
    await using started = await start()
    const { transport, service } = started
    await transport.put(ETH, 5)
    lines.length = 0
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).statusCode).toBe(200)
    expect(lines.filter(({ level }) => level !== 'debug' && level !== 'trace')).toEqual([])
  })
})
