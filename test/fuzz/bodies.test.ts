import fc from 'fast-check'
import { expect, it } from 'vitest'
import { serve } from '../../src/testing/serve'
import { JSON_HEADERS, stillAdapter } from '../http/support'
import { effort, GUARD_MS, mutated } from './fuzzing'

const RUNS = 200

const CORPUS = [
  '{"data":{"base":"ETH","quote":"USD"}}',
  '{"id":"1","data":{"from":"ETH","to":"USD"},"meta":{"latestAnswer":1,"updatedAt":1700000000}}',
  '{"data":{"base":"ETH","quote":"USD","endpoint":"crypto"},"jobRunID":7,"responseURL":"http://a"}',
  '{"endpoint":"price","data":{"base":"\\u0045TH","quote":"USD","overrides":{"test":{"ETH":"BTC"}}}}',
  '\ufeff{"data":{"base":"ETH","quote":"USD"}}',
]

const isJson = (text: string): boolean => {
  try {
    // The route takes a mark off the front, and so does the parser behind it.
    JSON.parse(text.replace(/^\ufeff{1,2}/, ''))
    return true
  } catch {
    return false
  }
}

it(
  'a body is answered, or refused as what is no JSON or asks for nothing, whatever it is',
  async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, {
      env: { CACHE_POLLING_MAX_RETRIES: '0', LOG_LEVEL: 'fatal' },
    })
    const before = Object.getOwnPropertyNames(Object.prototype)
    await fc.assert(
      fc.asyncProperty(mutated(CORPUS), async (payload) => {
        await still.transport.put({ base: 'ETH', quote: 'USD' }, 5)
        const post = () => service.api.inject({ method: 'POST', url: '/', headers: JSON_HEADERS, payload })
        const [first, second] = [await post(), await post()]
        // As it is read anew, and by what was remembered of it.
        expect([second.statusCode, second.headers['content-type']]).toEqual([
          first.statusCode,
          first.headers['content-type'],
        ])
        expect([200, 400, 404, 504]).toContain(first.statusCode)
        if (!isJson(payload.toString())) expect(first.statusCode).toBe(400)
        if (first.statusCode === 200) expect(first.json<{ result: number }>().result).toBe(5)
        expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
      }),
      effort(RUNS),
    )
  },
  GUARD_MS,
)
