import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { json as bodyOf } from 'node:stream/consumers'
import { serve } from 'tickwell/testing'
import { expect, it } from 'vitest'
import { makeAdapter } from './adapter'

const PATIENT = { CACHE_POLLING_MAX_RETRIES: '20', CACHE_POLLING_SLEEP_MS: '1000' }

interface Pair {
  base: string
  quote: string
}

/** Brook on loopback: each subscribed pair gets the price 7, but `NO/USD` is refused. */
const provider = async () => {
  let stream: ServerResponse | undefined
  const requests: { path: string | undefined; pairs: Pair[] }[] = []
  const say = (type: string, event: object) =>
    stream?.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`)
  const take = (path: string | undefined, pairs: Pair[]) => {
    requests.push({ path, pairs })
    if (path !== '/subscribe') return
    for (const pair of pairs) {
      if (pair.base === 'NO') say('refused', { ...pair, why: 'no such pair' })
      else say('price', { ...pair, price: 7, at: Date.now() })
    }
  }
  const server = createServer((req, res) => {
    if (req.url === '/prices') {
      stream = res
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      return
    }
    void bodyOf(req).then((pairs) => {
      take(req.url, pairs as Pair[])
      res.end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    requests,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

it('subscribes each pair once, and serves what the stream brings', async () => {
  await using events = await provider()
  const env = { ...PATIENT, API_ENDPOINT: events.url }
  await using service = await serve(makeAdapter, { env })
  const first = await service.post({ base: 'ETH', quote: 'USD' })
  const second = await service.post({ from: 'ETH', to: 'USD' })
  expect([first.json.result, second.json.result]).toEqual([7, 7])
  expect(events.requests).toEqual([{ path: '/subscribe', pairs: [{ base: 'ETH', quote: 'USD' }] }])
})

it('answers for a pair that there is not in the words of the provider', async () => {
  await using events = await provider()
  const env = { ...PATIENT, API_ENDPOINT: events.url }
  await using service = await serve(makeAdapter, { env })
  const { statusCode, json } = await service.post({ base: 'NO', quote: 'USD' })
  expect([statusCode, json.errorMessage]).toEqual([502, 'no such pair'])
})
