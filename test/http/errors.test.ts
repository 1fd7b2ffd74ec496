import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AdapterRequest } from '../../src/transports/transport'
import { AdapterConfig } from '../../src/config/adapter-config'
import { serve } from '../../src/testing/serve'
import { CensorList } from '../../src/util/redaction'
import {
  AdapterConnectionError,
  AdapterDataProviderError,
  AdapterError,
  AdapterInputError,
  AdapterLWBAError,
} from '../../src/validation/errors'
import { OUTAGE } from '../../src/transports/capabilities'
import { reasonClasses } from '../../src/validation/error-answer'
import { errorCodes } from '../../src/validation/error-codes'
import { JSON_HEADERS, stillAdapter, StillTransport } from './support'
const ETH = { base: 'ETH', quote: 'USD' }
const AT = 1_700_000_000_000
const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT = 'text/plain; charset=utf-8'
const timestamps = {
  providerDataRequestedUnixMs: AT,
  providerDataReceivedUnixMs: AT,
  providerIndicatedTimeUnixMs: AT,
}

/** Does what the test says when the cache has nothing. */
class ForegroundTransport extends StillTransport {
  constructor(private readonly work: (req: AdapterRequest<unknown>) => unknown) {
    super()
  }

  foregroundExecute(req: AdapterRequest<unknown>): Promise<never> {
    return Promise.resolve(this.work(req) as never)
  }
}

const throwing = (error: unknown) => {
  const transport = new ForegroundTransport(() => {
    throw error
  })
  return stillAdapter({ transport }).adapter
}

afterEach(() => {
  CensorList.set([], 'TEST')
  vi.unstubAllEnvs()
})

describe('an error that is thrown', () => {
  it.each([
    [
      new AdapterError({
        statusCode: 418,
        message: 'teapot',
        url: 'http://x',
        errorResponse: { a: 1 },
        feedID: 'f',
      }),
      {
        status: 'errored',
        statusCode: 418,
        error: {
          name: 'AdapterError',
          message: 'teapot',
          url: 'http://x',
          errorResponse: { a: 1 },
          feedID: 'f',
        },
      },
    ],
    [
      new AdapterError({ errorResponse: 'only this' }),
      {
        status: 'errored',
        statusCode: 500,
        error: {
          name: 'AdapterError',
          message: 'There was an unexpected error in the adapter.',
          errorResponse: 'only this',
        },
      },
    ],
    [
      new AdapterDataProviderError(
        { statusCode: 502, providerStatusCode: 429, message: 'slow down' },
        timestamps,
      ),
      {
        status: 'errored',
        statusCode: 502,
        providerStatusCode: 429,
        error: { name: 'AdapterError', message: 'slow down' },
      },
    ],
    [
      new AdapterConnectionError(
        { statusCode: 502, name: 'Data Provider error', message: 'refused' },
        timestamps,
      ),
      { status: 'errored', statusCode: 502, error: { name: 'Data Provider error', message: 'refused' } },
    ],
    [
      new AdapterLWBAError({ message: 'crossed' }),
      { status: 'errored', statusCode: 500, error: { name: 'AdapterLWBAError', message: 'crossed' } },
    ],
    [
      new AdapterInputError({ statusCode: 400, message: 'bad', cause: new Error('why') }),
      { status: 'errored', statusCode: 400, error: { name: 'AdapterError', message: 'bad' } },
    ],
  ])('ER-7: reaches the client as JSON: %s', async (error, expected) => {
    await using service = await serve(throwing(error))
    const reply = await service.api.inject({
      method: 'POST',
      url: '/',
      headers: JSON_HEADERS,
      payload: { data: ETH },
    })
    expect([reply.statusCode, reply.headers['content-type'], reply.json()]).toEqual([
      expected.statusCode,
      JSON_TYPE,
      expected,
    ])
  })

  it('ER-7: is a 504 with the contract’s words where there is no value, whatever the class of its cause', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
    const seen = new Set<string>()
    for (const code of Object.keys(errorCodes)) {
      const reason = { code, message: 'the cause', sinceUnixMs: AT }
      Object.assign(still.transport, { [OUTAGE]: reason })
      const { statusCode, json } = await service.post(ETH)
      expect(statusCode).toBe(504)
      expect(json).toEqual({
        status: 'errored',
        statusCode: 504,
        error: {
          name: 'AdapterError',
          message:
            'The EA has not received any values from the Data Provider for the requested data yet. Retry after a short delay, and if the problem persists raise this issue in the relevant channels.',
          reason: { ...reason, class: json.error.reason.class as string },
        },
      })
      seen.add(json.error.reason.class as string)
    }
    // The others are told by their own statuses: 400 and 404 for an input; those of single reasons, for example of a clock that was set.
    const others = ['input', 'market-closed', 'clock']
    expect([...seen, ...others].sort()).toEqual([...reasonClasses].sort())
    expect((await service.post({})).statusCode).toBe(400)
    expect((await service.post(ETH, { endpoint: 'none' })).statusCode).toBe(404)
  })

  const named = (name: string, message: string, more: object = {}) =>
    Object.assign(new Error(message), { name }, more)

  it.each([
    ['a plain Error', new Error('boom'), 500, 'boom'],
    ['an Error without a message', new Error(''), 500, 'There was an unexpected error in the adapter.'],
    ['a TypeError', new TypeError('x is not a function'), 500, 'x is not a function'],
    ['an error of Redis', named('ReplyError', 'READONLY'), 500, 'READONLY'],
    [
      'a mute error of Redis',
      named('ReplyError', ''),
      500,
      'There was an unexpected error with the Redis cache',
    ],
    ['an error of the server', named('FastifyError', 'nope', { statusCode: 429 }), 429, 'nope'],
    ['what is no Error', 'just text', 500, 'just text'],
    ['nothing at all', undefined, 500, 'undefined'],
  ])('ER-7, 17.8: reaches the client as text: %s', async (_name, error, statusCode, text) => {
    await using service = await serve(throwing(error))
    const reply = await service.api.inject({
      method: 'POST',
      url: '/',
      headers: JSON_HEADERS,
      payload: { data: ETH },
    })
    expect([reply.statusCode, reply.headers['content-type'], reply.body]).toEqual([statusCode, TEXT, text])
  })

  it('IS-2: is answered even if its own status is nonsense or it cannot be shown as JSON', async () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    for (const [error, statusCode] of [
      [new AdapterError({ statusCode: 99_999 }), 502],
      [new AdapterError({ statusCode: 418, errorResponse: { n: 1n } }), 418],
      [new AdapterError({ errorResponse: circular }), 500],
    ] as const) {
      await using service = await serve(throwing(error))
      const answer = await service.post(ETH)
      expect([answer.statusCode, answer.json.statusCode]).toEqual([statusCode, statusCode])
      expect(answer.json.error.message).toContain('There was an unexpected error in the adapter.')
    }
  })

  it('shows stack and cause with DEBUG=true only', async () => {
    vi.stubEnv('DEBUG', 'true')
    const error = new AdapterError({ message: 'm', cause: new Error('why') })
    await using service = await serve(throwing(error))
    const { json } = await service.post(ETH)
    expect((json as { error: object }).error).toMatchObject({
      message: 'm',
      stack: expect.any(String) as string,
      cause: 'Error: why',
    })
  })

  it('SC-1: is redacted, and stays JSON when a secret is a number that occurs in it', async () => {
    const config = new AdapterConfig({
      API_KEY: { type: 'string', description: 'Key', sensitive: true },
      PIN: { type: 'string', description: 'Key', sensitive: true },
    })
    const transport = new ForegroundTransport(() => {
      throw new AdapterError({
        statusCode: 502,
        message: 'key hush-hush is bad',
        url: 'http://x/?k=HUSH-HUSH',
      })
    })
    const make = () => stillAdapter({ transport, adapter: { config } }).adapter
    await using service = await serve(make, { env: { API_KEY: 'hush-hush', PIN: '502' } })
    expect((await service.post(ETH)).json).toEqual({
      status: 'errored',
      statusCode: 502,
      error: {
        name: 'AdapterError',
        message: 'key [API_KEY REDACTED] is bad',
        url: 'http://x/?k=[API_KEY REDACTED]',
      },
    })
  })

  it('SC-1: is redacted as text too', async () => {
    const config = new AdapterConfig({ API_KEY: { type: 'string', description: 'Key', sensitive: true } })
    const transport = new ForegroundTransport(() => {
      throw new Error('cannot use hush-hush')
    })
    const make = () => stillAdapter({ transport, adapter: { config } }).adapter
    await using service = await serve(make, { env: { API_KEY: 'hush-hush' } })
    expect((await service.post(ETH)).text).toBe('cannot use [API_KEY REDACTED]')
  })
})
