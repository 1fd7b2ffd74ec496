import { afterEach, describe, expect, it, vi } from 'vitest'
import { HttpRequestType } from '../../src/metrics/constants'
import { errorCodes } from '../../src/validation/error-codes'
import { classOf, goingOn, type Reason } from '../../src/validation/reason'
import {
  AdapterConnectionError,
  AdapterCustomError,
  AdapterDataProviderError,
  AdapterError,
  AdapterInputError,
  AdapterLWBAError,
  AdapterRateLimitError,
  AdapterTimeoutError,
} from '../../src/validation/errors'

const timestamps = {
  providerDataRequestedUnixMs: 1,
  providerDataReceivedUnixMs: 2,
  providerIndicatedTimeUnixMs: undefined,
}

describe('adapter errors', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('have the defaults of the contract when nothing is given', () => {
    const error = new AdapterError({})
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      status: 'errored',
      statusCode: 500,
      name: 'AdapterError',
      message: 'There was an unexpected error in the adapter.',
      metricsLabel: 'adapterError',
    })
    expect(error.toJSONResponse()).toStrictEqual({
      status: 'errored',
      statusCode: 500,
      error: { name: 'AdapterError', message: 'There was an unexpected error in the adapter.' },
    })
  })

  it.each([
    [new AdapterInputError({}), HttpRequestType.INPUT_ERROR],
    [new AdapterRateLimitError({}), HttpRequestType.RATE_LIMIT_ERROR],
    [new AdapterTimeoutError({}), HttpRequestType.TIMEOUT_ERROR],
    [new AdapterDataProviderError({}, timestamps), HttpRequestType.DP_ERROR],
    [new AdapterConnectionError({}, timestamps), HttpRequestType.CONNECTION_ERROR],
    [new AdapterCustomError({}), HttpRequestType.CUSTOM_ERROR],
    [new AdapterLWBAError({}), HttpRequestType.LWBA_ERROR],
  ])('of class %o are counted under a label of their own', (error, label) => {
    expect(error).toBeInstanceOf(AdapterError)
    expect(error.metricsLabel).toBe(label)
    expect(error.statusCode).toBe(500)
  })

  it('are all called AdapterError except the one for bid, mid and ask', () => {
    expect(new AdapterInputError({}).name).toBe('AdapterError')
    expect(new AdapterTimeoutError({}).name).toBe('AdapterError')
    expect(new AdapterLWBAError({ name: 'Other' }).name).toBe('AdapterLWBAError')
  })

  it('keep the times of the provider contact they are about', () => {
    expect(new AdapterDataProviderError({ message: 'm' }, timestamps).timestamps).toBe(timestamps)
    expect(new AdapterConnectionError({ message: 'm' }, timestamps).timestamps).toBe(timestamps)
  })

  it('say after how many milliseconds the rate limit allows another try, 0 if unknown', () => {
    expect(new AdapterRateLimitError({}).msUntilNextExecution).toBe(0)
    expect(new AdapterRateLimitError({ msUntilNextExecution: 250 }).msUntilNextExecution).toBe(250)
  })

  it('put every field that is set into the JSON body, falsy ones included', () => {
    const body = new AdapterError({
      statusCode: 502,
      message: 'bad',
      name: 'Data Provider error',
      providerStatusCode: 0,
      url: '',
      errorResponse: null,
      feedID: 'f',
      cause: new Error('inner'),
    }).toJSONResponse()
    expect(body).toStrictEqual({
      status: 'errored',
      statusCode: 502,
      providerStatusCode: 0,
      error: { name: 'Data Provider error', message: 'bad', url: '', errorResponse: null, feedID: 'f' },
    })
  })

  it('show stack and cause only while DEBUG is true', () => {
    const error = new AdapterError({ message: 'bad', cause: new TypeError('inner') })
    vi.stubEnv('DEBUG', 'yes')
    expect(error.toJSONResponse().error).not.toHaveProperty('stack')
    vi.stubEnv('DEBUG', 'true')
    expect(error.toJSONResponse().error).toMatchObject({
      stack: expect.stringContaining('bad'),
      cause: 'TypeError: inner',
    })
    expect(new AdapterError({ cause: 'text' }).toJSONResponse().error).toMatchObject({ cause: 'text' })
  })

  it('have a body that can be written as JSON even when the cause refers to itself', () => {
    vi.stubEnv('DEBUG', 'true')
    const cause = Object.assign(new Error('inner'), { self: {} })
    cause.self = cause
    expect(() => JSON.stringify(new AdapterError({ cause }).toJSONResponse())).not.toThrow()
  })

  it('tell in error.reason why there is no value', () => {
    const reason = { code: 'CONNECTION_REFUSED', message: 'refused', sinceUnixMs: 1, nextAttemptUnixMs: 2 }
    expect(new AdapterTimeoutError({ reason }).toJSONResponse().error).toMatchObject({ reason })
  })
})

describe('error codes', () => {
  it('are upper-case names, each with a sentence of documentation', () => {
    for (const [code, text] of Object.entries(errorCodes)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(text).toMatch(/^[A-Z].{20,}\.$/)
    }
  })

  it('keep the codes that alerts may match on', () => {
    expect(Object.keys(errorCodes)).toEqual(
      expect.arrayContaining([
        ...['CONNECTION_REFUSED', 'CONNECTION_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_FAILED'],
        ...['HOST_NOT_FOUND', 'TLS_FAILED', 'HANDSHAKE_REFUSED', 'OPEN_HANDLER_FAILED', 'UNRESPONSIVE'],
        ...['SUBSCRIBE_FAILED', 'URL_FAILED', 'PROVIDER_ERROR', 'REFUSED_VALUE', 'STALE_VALUE'],
        ...['NO_DATA_YET', 'STARTING'],
      ]),
    )
  })
})

describe('a reason', () => {
  it('ER-1: has a class for every code of the table, and the provider’s for a code of an author', () => {
    for (const code of Object.keys(errorCodes)) expect(classOf({ code })).toMatch(/^[a-z-]+$/)
    expect(classOf({ code: 'CONNECTION_REFUSED' })).toBe('network')
    expect(classOf({ code: 'STALE_VALUE' })).toBe('stale')
    for (const code of ['ACME_SAYS_NO', 'constructor']) expect(classOf({ code })).toBe('provider')
  })

  it('is answered with its class, which is that of its code where it has none of its own', () => {
    const since = { message: 'why', sinceUnixMs: 7 }
    const answered = (reason: Reason) => new AdapterError({ reason }).toJSONResponse().error.reason
    expect(answered({ code: 'SILENT', ...since })).toEqual({ code: 'SILENT', class: 'provider', ...since })
    const ours = { code: 'STALE_VALUE', class: 'clock', ...since } as const
    expect(answered(ours)).toEqual(ours)
    expect(goingOn(undefined, ours, 9)).toEqual({ ...ours, sinceUnixMs: 9 })
    expect(goingOn(ours, { code: 'STALE_VALUE', message: 'old' }, 9)).not.toHaveProperty('class')
    expect(new AdapterError({}).toJSONResponse().error).not.toHaveProperty('reason')
  })

  it('that goes on is as old as what it goes on from', () => {
    const first = goingOn(undefined, { code: 'A', message: 'a' }, 1)
    expect(first).toEqual({ code: 'A', message: 'a', sinceUnixMs: 1 })
    const next = { code: 'B', message: 'b', nextAttemptUnixMs: 9 }
    expect(goingOn(first, next, 2)).toEqual({ ...next, sinceUnixMs: 1 })
  })
})
