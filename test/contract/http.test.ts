import { serve } from '../../src/testing/serve'
import { httpAdapter, httpProvider, inBatches } from '../transports/http/support'
import { GUARD_MS, SOON, testTransport } from './transport'

const params = (n: number) => ({ base: `F${n}` })

testTransport('the HTTP transport', {
  lacks: {
    'hostile bytes': 'A request is repeated once a second; hostile.test.ts has many at once.',
    'late events': 'A request and its answer are one exchange: no connection is replaced by another.',
    'a goodbye': 'An answer is over when it has come whole.',
    'an announced end':
      'The end of an answer is the end of its exchange: there is no goodbye that could come before it.',
  },
  async start() {
    const prices: Record<string, unknown> = {}
    let isRefusing = false
    let once: 'cut' | 'throw' | undefined
    /** Beside what was asked for. */
    let beside: Record<string, unknown> = {}
    const provider = await httpProvider((path) => {
      const what = isRefusing ? 'cut' : once
      once = undefined
      if (what === 'cut') return { destroy: true }
      if (what === 'throw') return { body: { throws: 1 } }
      const asked = new URL(path, provider.url).searchParams.get('bases')?.split(',') ?? []
      const known = asked.filter((base) => base in prices)
      return { body: { ...beside, ...Object.fromEntries(known.map((base) => [base, prices[base]])) } }
    })
    const of = inBatches(provider.url)
    const service = await serve(
      () =>
        httpAdapter({
          ...of,
          parseResponse(asked, response, settings) {
            if ('throws' in response.data) throw new Error('a handler of an author')
            const results = of.parseResponse(asked, response, settings) ?? []
            return results.map((result) =>
              result.response.result === -1 ? (null as unknown as typeof result) : result,
            )
          },
        }),
      { env: SOON, guardMs: GUARD_MS },
    )
    /** Everything that was asked by now has been answered, and the answer dealt with, when two more requests have come. */
    const settled = () => provider.seen(provider.asked.length + 2)
    return {
      service,
      params,
      wanted: async (n) => {
        const { length } = provider.asked
        if (provider.asked.some(({ path }) => path.includes(`F${n}`))) return
        for (let count = length; !provider.asked.at(-1)?.path.includes(`F${n}`); count++)
          await provider.seen(count + 1)
      },
      send: async (n, value) => void (prices[`F${n}`] = value),
      async sendThrowing() {
        once = 'throw'
        await settled()
      },
      async sendBroken(n, value) {
        beside = { 1: -1, A1: -1, A2: null, A3: 'high', A4: {} }
        prices[`F${n}`] = value
        await settled()
      },
      async cut() {
        once = 'cut'
        await settled()
      },
      refuse: async () => void (isRefusing = true),
      accept: () => void (isRefusing = false),
      // One that is idle belongs to the process, which keeps it for whoever asks next, and the provider may end it.
      gone: () => provider.gone(),
      async end() {
        await service.stop()
        await provider[Symbol.asyncDispose]()
      },
    }
  },
})
