import fc from 'fast-check'
import { expect, it } from 'vitest'
import { serve } from '../../src/testing/serve'
import { stillAdapter, WAYS } from './support'

const ETH = { base: 'ETH', quote: 'USD' }

/** What strains the text of numbers: tiny, huge, whole, with many digits. */
const price = fc.oneof(
  fc.double({ min: 1e-12, max: 1e12, noNaN: true }),
  fc.integer({ min: 1, max: 2 ** 53 }),
  fc.constantFrom(1e-7, 1e21, 5e-324, 1, 0.1 + 0.2, Number.MAX_VALUE),
)

it.each(WAYS)(
  'HT-7: a result that is a number goes out as a number, and the same one, whatever its size, where requests are $way',
  async ({ requestTransforms }) => {
    const still = stillAdapter({ endpoint: { requestTransforms } })
    await using service = await serve(still.adapter)
    await fc.assert(
      fc.asyncProperty(price, async (result) => {
        await still.transport.put(ETH, result)
        for (let time = 0; time < 2; time++) {
          const { json, text } = await service.post(ETH)
          expect(json.result).toBe(result)
          expect(json['data']).toEqual({ result })
          expect(text).toMatch(/"result":[-\d]/)
        }
      }),
      { numRuns: 200 },
    )
  },
)

it('HT-7: a result that is text stays text, and is not made shorter, whatever it says', async () => {
  const text = fc.stringMatching(/^(0|[1-9]\d{0,20})(\.\d{1,30})?$/)
  const still = stillAdapter()
  await using service = await serve(still.adapter)
  await fc.assert(
    fc.asyncProperty(text, async (result) => {
      await still.transport.put(ETH, result as never)
      expect((await service.post(ETH)).json.result).toBe(result)
    }),
    { numRuns: 100 },
  )
})
