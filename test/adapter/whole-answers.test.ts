import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { serve } from '../../src/testing/serve'
import { stillAdapter, WAYS } from '../http/support'

const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
afterEach(() => void vi.useRealTimers())

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('tick' as const), at: fc.integer({ min: -20, max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ do: 'refused' as const }, { do: 'error' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 900 }) }),
  },
)

it.each(WAYS)(
  'TM-8: value and times of every answer are of one observation, and no reader sees parts of two, $way',
  async ({ requestTransforms }) => {
    const { adapter, transport } = stillAdapter({
      endpoint: { guards: { onlyWanted: false }, requestTransforms },
    })
    await using service = await serve(adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
    const accepted = new Set<string>()
    let count = 0
    const look = async () => {
      const { statusCode, json } = await service.post(ETH)
      if (statusCode !== 200) return
      const { result, data, timestamps } = json
      const { providerDataReceivedUnixMs: received, providerIndicatedTimeUnixMs: indicated } = timestamps
      expect(data).toEqual({ result })
      expect(accepted).toContain([result, received, indicated].join())
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        for (const one of steps) {
          if (one.do === 'pass') vi.setSystemTime(Date.now() + one.ms)
          else if (one.do === 'refused') await transport.put(ETH, -1)
          else if (one.do === 'error') await transport.putError(ETH, 502, 'down')
          else {
            const indicated = Date.now() + one.at * 1_000
            accepted.add([++count, Date.now(), indicated].join())
            // Readers ask before the write, while it is going on, and after it.
            await Promise.all([look(), transport.put(ETH, count, indicated), look()])
          }
          await look()
        }
      }),
      { numRuns: 30 },
    )
    expect(count).toBeGreaterThan(50)
  },
)
