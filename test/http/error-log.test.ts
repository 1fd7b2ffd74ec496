import { beforeEach, describe, expect, it } from 'vitest'
import { serve, type Served } from '../../src/testing/serve'
import { asyncLocalStorage, type LoggerFactory } from '../../src/util/logging'
import { AdapterConnectionError } from '../../src/validation/errors'
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

  it('does not exist for requests that are answered well', async () => {
    await using started = await start()
    const { transport, service } = started
    await transport.put(ETH, 5)
    lines.length = 0
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).statusCode).toBe(200)
    expect(lines.filter(({ level }) => level !== 'debug' && level !== 'trace')).toEqual([])
  })
})
