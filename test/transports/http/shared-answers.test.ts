import { afterEach, expect, it, vi } from 'vitest'
import { serve } from '../../../src/testing/serve'
import { type HttpTransportConfig } from '../../../src/public/transports/http'
import { httpAdapter, httpProvider, oneByOne, type Types } from './support'

afterEach(() => vi.useRealTimers())

/** An adapter that may send one request a second. */
const rationed = async (make = oneByOne) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  const provider = await httpProvider(() => ({ body: { price: 1 } }))
  const config = make(provider.url)
  const read: string[] = []
  const counted: HttpTransportConfig<Types> = {
    ...config,
    parseResponse: (params, ...rest) => {
      read.push(...params.map(({ base }) => `/${base}`))
      return config.parseResponse(params, ...rest)
    },
  }
  const rateLimiting = { tiers: { free: { rateLimit1s: 1 } } }
  const service = await serve(() => httpAdapter(counted, { rateLimiting }), {
    env: { CACHE_POLLING_MAX_RETRIES: '0', RETRY: '0' },
  })
  return {
    provider,
    service,
    read,
    async pass(seconds: number) {
      for (let n = 0; n < seconds * 4; n++) {
        await vi.advanceTimersByTimeAsync(250)
        for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
      }
    },
    async [Symbol.asyncDispose]() {
      await service.stop()
      await provider[Symbol.asyncDispose]()
    },
  }
}

it('an answer is read once, also where a pass asks for what was asked for beside the pass before, and still waits for its turn', async () => {
  await using rig = await rationed()
  for (const base of ['A', 'B', 'C']) await rig.service.post({ base })
  await rig.pass(1.5)
  for (const base of ['D', 'E', 'F', 'G']) await rig.service.post({ base })
  await rig.pass(10)
  const asked = rig.provider.asked.map(({ path }) => path)
  expect(new Set(asked)).toEqual(new Set(['/A', '/B', '/C', '/D', '/E', '/F', '/G']))
  expect(rig.read).toEqual(asked)
})

it('answers of all feeds at once are read for the feeds of each pass that waits for them', async () => {
  const all = (url: string): HttpTransportConfig<Types> => ({
    prepareRequests: (params) => ({ params, request: { baseURL: url, url: '/all' } }),
    parseResponse: (params, { data }) =>
      params.map((feed) => ({
        params: feed,
        response: { result: Number(data['price']), data: { result: 1 } },
      })),
  })
  await using rig = await rationed(all)
  for (const base of ['A', 'B']) await rig.service.post({ base })
  await rig.pass(0.5)
  await rig.service.post({ base: 'C' })
  await rig.pass(4)
  for (const base of ['A', 'B', 'C']) expect((await rig.service.post({ base })).json.result).toBe(1)
  expect(rig.read.filter((base) => base === '/C').length).toBeLessThanOrEqual(rig.provider.asked.length)
})
