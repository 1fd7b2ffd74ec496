/** A steady load with churn: feeds are asked for, left to expire, and others asked for; one request of a hundred is no good. */
import { Agent, request } from 'node:http'
import { clearInterval, setInterval } from 'node:timers'

/** Feeds that are asked for at a time, and in all: after a round each has been left and come back. */
const AT_A_TIME = 40
const IN_ALL = 160
/** So often one is left for another. */
const CHANGE_EVERY_MS = 500
const REQUESTS_A_SECOND = 60
const BAD = [
  '',
  '{',
  '[]',
  'null',
  '{"data":{"base":7}}',
  '{"data":{}}',
  `{"data":{"base":"${'x'.repeat(9_000)}"}}`,
]

export const products = Object.fromEntries(
  Array.from({ length: IN_ALL }, (_, at) => [`F${at}-USD`, 100 + at]),
)

/** @returns what was answered, by status, and a function that ends it */
export const startLoad = (url) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const seen = new Map()
  const note = (status) => seen.set(status, (seen.get(status) ?? 0) + 1)
  const send = (body) => {
    const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } })
    sent.on('response', (response) => {
      response.resume()
      note(response.statusCode)
    })
    sent.on('error', () => note('error'))
    sent.end(body)
  }
  let [sent, first] = [0, 0]
  const ask = () => {
    sent++
    if (sent % 100 === 0) return send(BAD[(sent / 100) % BAD.length])
    const base = `F${(first + (sent % AT_A_TIME)) % IN_ALL}`
    send(JSON.stringify({ data: { base, quote: 'USD' } }))
  }
  const timers = [setInterval(ask, 1_000 / REQUESTS_A_SECOND), setInterval(() => first++, CHANGE_EVERY_MS)]
  const stop = () => {
    for (const timer of timers) clearInterval(timer)
    agent.destroy()
  }
  return { seen, stop }
}
