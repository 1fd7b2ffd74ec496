import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve, type Served } from '../../src/testing/serve'
import { JSON_HEADERS, stillAdapter, type StillAdapter, WAYS } from './support'

const RUNS = { numRuns: 250 }

/** Values, and objects whose keys are the ones that mean something, or that used to be dangerous. */
const keys = fc.constantFrom(
  'data',
  'endpoint',
  'base',
  'from',
  'coin',
  'quote',
  'to',
  'overrides',
  'transport',
  'adapterNameOverride',
  'test',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'toJSON',
  'then',
  'length',
)
const { likely } = fc.letrec((tie) => ({
  likely: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'ETH',
      'USD',
      'price',
      'crypto',
      'constructor',
      '__proto__',
      '',
      'test',
      0,
      -1,
      1e300,
      null,
      true,
    ),
    fc.string({ unit: 'binary' }),
    fc.array(tie('likely'), { maxLength: 3 }),
    fc.dictionary(keys, tie('likely'), { maxKeys: 5 }),
  ),
}))
const request = fc.record({ endpoint: likely, data: fc.dictionary(keys, likely) }, { requiredKeys: [] })
const contentTypes = fc.constantFrom(
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/octet-stream',
  'APPLICATION/JSON',
  '',
)

describe.each(WAYS)(
  'arbitrary input, where requests are $way',
  { timeout: 60_000 },
  ({ requestTransforms }) => {
    let still: StillAdapter
    let service: Served

    beforeAll(async () => {
      still = stillAdapter({ endpoint: { requestTransforms } })
      service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
      await still.transport.put({ base: 'ETH', quote: 'USD' }, 5)
    })
    afterAll(() => service.stop())

    const send = async (payload: string | Buffer, headers: Record<string, string> = JSON_HEADERS) => {
      const wantedBefore = await still.transport.wanted()
      const reply = await service.api.inject({ method: 'POST', url: '/', headers, payload })
      const { statusCode } = reply
      expect(statusCode < 500 || statusCode === 504, `${statusCode} ${reply.body}`).toBe(true)
      // Nothing a client sends writes the cache, and only a valid request makes a feed wanted.
      expect(still.local().cache.size).toBe(1)
      if (statusCode < 500 && statusCode !== 200) expect(await still.transport.wanted()).toEqual(wantedBefore)
      if (statusCode === 504) expect((await still.transport.wanted()).length).toBeGreaterThan(0)
      return reply
    }

    const twiceTheSame = async (payload: string) => {
      const first = await send(payload)
      const second = await send(payload)
      expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body])
    }

    it('IS-2: any JSON is answered, never with a failure of ours', async () => {
      await fc.assert(
        fc.asyncProperty(fc.json(), (payload) => twiceTheSame(payload)),
        RUNS,
      )
    })

    it('IS-3: any object with the keys that matter is answered, never with a failure of ours', async () => {
      const bodies = fc.oneof(request, likely).map((value) => JSON.stringify(value))
      await fc.assert(
        fc.asyncProperty(bodies, (payload) => twiceTheSame(payload)),
        RUNS,
      )
    })

    it('IS-2: any bytes under any content type are answered, never with a failure of ours', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), contentTypes, async (bytes, type) => {
          await send(Buffer.from(bytes), type === '' ? {} : { 'content-type': type })
        }),
        RUNS,
      )
    })

    it('IS-2: any damage to a good request is answered, never with a failure of ours', async () => {
      const good = Buffer.from(
        JSON.stringify({ data: { base: 'ETH', quote: 'USD', overrides: { test: { A: 'B' } } } }),
      )
      const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
      await fc.assert(
        fc.asyncProperty(damage, fc.nat(good.length), async (changes, length) => {
          const bytes = Buffer.from(good)
          for (const [at, byte] of changes) bytes[at] = byte
          await send(bytes.subarray(0, length))
        }),
        RUNS,
      )
    })

    it('still answers as before after all of that', async () => {
      expect((await service.post({ base: 'ETH', quote: 'USD' })).json).toMatchObject({ result: 5 })
    })
  },
)
