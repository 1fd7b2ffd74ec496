import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { json as bodyOf } from 'node:stream/consumers'
import { serve } from 'tickwell/testing'
import { expect, it, vi } from 'vitest'
import { makeAdapter } from './adapter'

const PATIENT = {
  CACHE_POLLING_MAX_RETRIES: '20',
  CACHE_POLLING_SLEEP_MS: '1000',
  RATE_LIMIT_API_TIER: 'pro',
}

interface Seen {
  key: unknown
  pairs: string[]
}

/** Quarry on loopback: every price is 7, but of `NO/USD` it has none, and `OFF/USD` is an error. */
const provider = async () => {
  const seen: Seen[] = []
  const server = createServer((req, res) => {
    void bodyOf(req).then((body) => {
      const { pairs } = body as { pairs: string[] }
      seen.push({ key: req.headers['x-api-key'], pairs })
      const known = pairs.filter((pair) => pair !== 'NO/USD')
      const asOf = Math.floor(Date.now() / 1_000)
      const prices = known.map((pair) => [
        pair,
        pair === 'OFF/USD' ? { error: 'halted' } : { price: 7, asOf },
      ])
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify({ prices: Object.fromEntries(prices) as unknown }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

it('asks for all pairs in one request, and answers each by itself', async () => {
  await using rest = await provider()
  const env = { ...PATIENT, API_ENDPOINT: rest.url, API_KEY: 'k' }
  await using service = await serve(makeAdapter, { env })
  const pairs = ['ETH', 'BTC', 'NO', 'OFF'].map((base) => ({ base, quote: 'USD' }))
  const answers = await Promise.all(pairs.map((pair) => service.post(pair)))
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 502, 502])
  expect(answers.map(({ json }): unknown => json.result ?? json.errorMessage)).toEqual([
    7,
    7,
    'Quarry has no price of NO/USD',
    'halted',
  ])
  // The first pass may begin before all pairs are wanted. What comes after it has all of them.
  await vi.waitFor(() => expect(rest.seen.at(-1)?.pairs).toHaveLength(4), { timeout: 20_000 })
  expect(rest.seen.every(({ key }) => key === 'k')).toBe(true)
})
