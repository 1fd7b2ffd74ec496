import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve, type Served } from '../../src/testing/serve'
import { AdapterError } from '../../src/validation/errors'
import { JSON_HEADERS, keyOf, stillAdapter, StillTransport } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const AT = 1_700_000_000_000
const timestamps = {
  providerDataRequestedUnixMs: AT,
  providerDataReceivedUnixMs: AT,
  providerIndicatedTimeUnixMs: undefined,
}

/** Reads as one word: what the status is to be. */
type Status = unknown

/** Answers, or throws, as the test says, when the cache has nothing. */
class ForegroundTransport extends StillTransport {
  work: (() => unknown) | undefined
  foregroundExecute(): Promise<never> {
    return Promise.resolve(this.work?.() as never)
  }
}

const start = async () => {
  const transport = new ForegroundTransport()
  let validate = () => {}
  const still = stillAdapter({
    transport,
    endpoint: { requestTransforms: [() => validate()], customOutputValidation: undefined },
  })
  const service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' }, listen: true })
  const cache = still.local()
  const reset = () => {
    cache.cache.clear()
    transport.work = undefined
    validate = () => {}
  }
  return Object.assign(service, {
    transport,
    cache,
    reset,
    whenPrepared: (run: () => void) => (validate = run),
  })
}
type Started = Awaited<ReturnType<typeof start>>

const errorWith = (statusCode: Status) =>
  new AdapterError({ statusCode: statusCode as number, message: 'no' })
const bodyWith = (statusCode: Status) => ({ errorMessage: 'no', statusCode, timestamps }) as AdapterResponse

const DOORS: { door: string; bring: (to: Started, statusCode: Status) => unknown }[] = [
  {
    door: "a handler's refusal",
    bring: ({ transport }, statusCode) => transport.putError(ETH, statusCode as number, 'no'),
  },
  {
    door: "a handler's value",
    bring: ({ transport }, statusCode) =>
      transport.responseCache.write(transport.name, [
        { params: ETH, response: { result: 1, data: { result: 1 }, statusCode, timestamps } as never },
      ]),
  },
  {
    door: 'what an author stored',
    bring: ({ cache }, statusCode) => cache.set(keyOf('eth', 'usd'), bodyWith(statusCode), 90_000),
  },
  {
    door: 'an answer in the foreground',
    bring: ({ transport }, statusCode) => (transport.work = () => bodyWith(statusCode)),
  },
  {
    door: 'an error in the foreground',
    bring: ({ transport }, statusCode) =>
      (transport.work = () => {
        throw errorWith(statusCode)
      }),
  },
  {
    door: 'an error of a transform',
    bring: ({ whenPrepared }, statusCode) =>
      whenPrepared(() => {
        throw errorWith(statusCode)
      }),
  },
]

/** Not with `fetch`, which takes an answer of status 407 for a failure of the network. */
const ask = async ({ url }: Served) => {
  const asked = request(url!, { method: 'POST', headers: JSON_HEADERS, agent: false })
  asked.end(JSON.stringify({ data: ETH }))
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const body = await text(response)
  return { status: response.statusCode!, json: JSON.parse(body) as Record<string, unknown>, text: body }
}

const REFUSED = [
  100,
  103,
  199,
  204,
  205,
  304,
  600,
  1000,
  -1,
  0,
  200.5,
  NaN,
  Infinity,
  'x',
  '404',
  null,
  true,
  {},
  [],
]
const ALLOWED = [200, 201, 206, 299, 300, 400, 404, 418, 429, 500, 502, 599]

const isAllowed = (status: unknown) =>
  Number.isInteger(status) &&
  (status as number) >= 200 &&
  (status as number) <= 599 &&
  ![204, 205, 304].includes(status as number)

describe.each(DOORS)('the status code of $door', ({ bring }) => {
  it('is the answer’s where it is one of an answer with a body', async () => {
    await using service = await start()
    for (const statusCode of ALLOWED) {
      service.reset()
      await bring(service, statusCode)
      const { status, json } = await ask(service)
      expect([status, json['statusCode']]).toEqual([statusCode, statusCode])
    }
  })

  it('becomes 502 with the cause where it is none', async () => {
    await using service = await start()
    for (const statusCode of REFUSED) {
      service.reset()
      await bring(service, statusCode)
      for (let time = 0; time < 3; time++) {
        const { status, json, text } = await ask(service)
        expect([statusCode, status, json['statusCode']]).toEqual([statusCode, 502, 502])
        expect(text).toContain('was refused')
        if (typeof statusCode === 'number') expect(text).toContain(`status code ${statusCode} `)
      }
    }
  })

  it('never leaves an answer without a JSON body of that status, whatever it is', async () => {
    await using service = await start()
    const any = fc.oneof(fc.integer({ min: -1, max: 1100 }), fc.double(), fc.string(), fc.jsonValue())
    await fc.assert(
      fc.asyncProperty(any, async (statusCode) => {
        service.reset()
        await bring(service, statusCode)
        const { status, json } = await ask(service)
        expect(isAllowed(status)).toBe(true)
        expect(json['statusCode']).toBe(status)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a status code that is none of an answer', () => {
  it('keeps the message that came with it', async () => {
    await using service = await start()
    await service.transport.putError(ETH, 1000, 'Quota exceeded')
    const { json } = await ask(service)
    expect(json['errorMessage']).toMatch(/^Quota exceeded \(status code 1000 was refused/)
  })

  it('17.4: never replaces a live value', async () => {
    await using service = await start()
    await service.transport.put(ETH, 5)
    await service.transport.putError(ETH, 204, 'no')
    const response = { result: 1, data: { result: 1 }, statusCode: 304, timestamps } as never
    await service.transport.responseCache.write(service.transport.name, [{ params: ETH, response }])
    expect((await ask(service)).json['result']).toBe(5)
  })

  it('is counted with the status that was sent', async () => {
    await using service = await start()
    service.transport.work = () => {
      throw errorWith(1000)
    }
    await ask(service)
    const labels = { app_name: 'TEST', type: 'adapterError' }
    expect(await service.metric('http_requests_total', { ...labels, status_code: '502' })).toBe(1)
  })
})
