import { type Redis } from 'ioredis'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { RedisCache } from '../../src/public/cache'
import { serve } from '../../src/testing/serve'
import { isAnswerStatus } from '../../src/validation/status-code'
import { RedisMock } from '../../src/testing/redis-mock'
import { hostile } from '../helpers/hostile'
import { keyOf, stillAdapter } from '../http/support'

const ETH = { base: 'ETH', quote: 'USD' }
const AT = 1_700_000_000_000
const VALUE = {
  result: 1.5,
  data: { result: 1.5, unit: 'USD' },
  timestamps: { providerDataRequestedUnixMs: AT, providerDataReceivedUnixMs: AT },
  statusCode: 200,
}
const ERROR = { errorMessage: 'not listed', statusCode: 502, timestamps: VALUE.timestamps }

/** Members that other versions have added, or have no more. */
const versions = fc
  .tuple(
    fc.constantFrom<object>(VALUE, ERROR),
    fc.dictionary(fc.stringMatching(/^x[a-zA-Z]{1,6}$/), fc.jsonValue(), { maxKeys: 3 }),
    fc.constantFrom('', 'timestamps', 'data'),
  )
  .map(([of, more, without]) =>
    JSON.stringify({ ...of, ...more }, (name, value: unknown) => (name === without ? undefined : value)),
  )
const texts = fc.oneof(
  versions,
  hostile(JSON.stringify(VALUE)).map(({ bytes }) => String(bytes)),
  fc.json(),
)

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

afterEach(() => void vi.restoreAllMocks())

it('CA-7: what is stored is served as it was stored, with members that this version does not know, or counts as none', async () => {
  const mock = new RedisMock()
  const cache = new RedisCache(mock as unknown as Redis, 100)
  const { adapter } = stillAdapter()
  await using service = await serve(adapter, {
    env: { CACHE_POLLING_MAX_RETRIES: '0' },
    dependencies: { cache, redisClient: mock as unknown as Redis },
  })
  let served = 0
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      await mock.set(keyOf('eth', 'usd'), text, 'PX', 60_000)
      const { statusCode, json } = await service.post(ETH)
      const stored = parsed(text)
      if (statusCode === 504) {
        expect(stored).not.toMatchObject({ result: 1.5, statusCode: 200 })
        return
      }
      served++
      expect(isObject(stored)).toBe(true)
      const { statusCode: storedStatus, reason } = stored as { statusCode: unknown; reason?: unknown }
      if (!isAnswerStatus(storedStatus)) return expect(statusCode).toBe(502)
      expect(statusCode).toBe(storedStatus)
      // An error that was stored without one gets a reason when it is answered.
      const isError = 'errorMessage' in (stored as object)
      expect(json).toEqual(
        isError && reason === undefined ? { ...(stored as object), reason: json.reason } : stored,
      )
    }),
    { numRuns: 300, endOnFailure: true },
  )
  expect(served).toBeGreaterThan(10)
})
