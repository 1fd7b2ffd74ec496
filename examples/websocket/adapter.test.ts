import { serve, wsProvider } from 'tickwell/testing'
import { expect, it } from 'vitest'
import { makeAdapter } from './adapter'

/** So patient that a client is answered by the value it waits for, however busy the machine. */
const PATIENT = { CACHE_POLLING_MAX_RETRIES: '20', CACHE_POLLING_SLEEP_MS: '1000' }

const KEY = 'key-of-the-test'

interface Asked {
  op: string
  key?: string
  id?: number
  markets?: string[]
}

/** Lumen as its documentation describes it. It knows every market but `NO-USD`. */
const provider = async (key: string) => {
  const stream = await wsProvider()
  stream.onMessage((text, connection) => {
    const { op, key: given, id, markets = [] } = JSON.parse(text) as Asked
    if (op === 'ping') connection.send({ type: 'pong' })
    if (op === 'login') {
      const ok = given === key
      connection.send({ type: 'login', ok, ...(!ok && { why: 'unknown key' }) })
    }
    if (op !== 'subscribe') return
    const refused = markets.filter((market) => market === 'NO-USD') as string[]
    connection.send({
      type: 'answer',
      id,
      refused: refused.map((market) => ({ market, why: 'no such market' })),
    })
    for (const market of markets)
      if (!refused.includes(market)) connection.send({ type: 'tick', market, price: 1800.5, at: Date.now() })
  })
  return stream
}

it('logs in first, and serves the price of a market', async () => {
  await using stream = await provider(KEY)
  const env = { ...PATIENT, WS_API_ENDPOINT: stream.url, API_KEY: KEY }
  await using service = await serve(makeAdapter, { env })
  const { statusCode, json } = await service.post({ from: 'ETH', to: 'USD' })
  expect([statusCode, json.result]).toEqual([200, 1800.5])
  const [login, subscribe] = stream.connections[0]!.received.map((text) => JSON.parse(text) as Asked)
  expect(login).toEqual({ op: 'login', key: KEY })
  expect(subscribe).toMatchObject({ op: 'subscribe', markets: ['ETH-USD'] })
})

it('answers for a market that there is not in the words of the provider', async () => {
  await using stream = await provider(KEY)
  const env = { ...PATIENT, WS_API_ENDPOINT: stream.url, API_KEY: KEY }
  await using service = await serve(makeAdapter, { env })
  const { statusCode, json } = await service.post({ base: 'NO', quote: 'USD' })
  expect([statusCode, json.errorMessage]).toEqual([502, 'no such market'])
})

it('says why there is no value when the login is refused', async () => {
  await using stream = await provider('another')
  const env = { ...PATIENT, WS_API_ENDPOINT: stream.url, API_KEY: KEY }
  await using service = await serve(makeAdapter, { env })
  const { statusCode, text } = await service.post({ base: 'ETH', quote: 'USD' })
  expect(statusCode).toBe(504)
  expect(text).toContain('Lumen refused the login: unknown key')
})
