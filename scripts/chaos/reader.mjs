/** A client of a world's service with one connection, which it keeps: its answers come in order, and from one process. */
import { Agent, request } from 'node:http'
import { endpointOf, symbolOf } from './model.mjs'

const PATIENCE_MS = 10_000

/** What stands for all connections where one process answers. */
const THE_ONE = 0
/** A number for each connection that was ever made, because a new one may be another worker's. */
const numbers = new WeakMap()
let made = THE_ONE
const numberOf = (socket) => {
  if (!numbers.has(socket)) numbers.set(socket, ++made)
  return numbers.get(socket)
}

const read = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const answerOf = (status, body) => ({
  status,
  result: body?.result,
  asOf: body?.timestamps?.providerIndicatedTimeUnixMs,
  reason: body?.error?.reason?.code ?? body?.errorMessage,
  nextAttemptUnixMs: body?.error?.reason?.nextAttemptUnixMs,
})

export class Reader {
  #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  #waiting = 0

  /**
   * @param now - the time of the world, in Unix ms
   * @param hasWorkers - whether one of several processes answers on each connection
   */
  constructor(now, hasWorkers) {
    this.now = now
    this.hasWorkers = hasWorkers
  }

  /** Whether an answer is still to come: another request would wait for that. */
  get isBusy() {
    return this.#waiting > 0
  }

  /**
   * @param onSent - called when all of the request has been given to a connection
   * @returns what the model judges; `lost` says how the connection ended where there is no answer
   */
  ask(url, feed, onSent = () => {}) {
    const askedMs = this.now()
    this.#waiting++
    return new Promise((resolve) => {
      const done = (more) => resolve({ feed, askedMs, answeredMs: this.now(), ...more })
      const headers = { 'content-type': 'application/json' }
      const sent = request(url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        let text = ''
        const reader = this.hasWorkers ? numberOf(sent.socket) : THE_ONE
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
        response.on('end', () => done({ reader, ...answerOf(response.statusCode, read(text)) }))
        response.on('error', (error) => done({ lost: error.code ?? error.message }))
      })
      sent.on('error', (error) => done({ lost: error.code ?? error.message, wasReused: sent.reusedSocket }))
      sent.on('finish', () => sent.socket.connecting || onSent())
      sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error('no answer')))
      sent.end(JSON.stringify({ data: { endpoint: endpointOf(feed), symbol: symbolOf(feed) } }))
    }).finally(() => this.#waiting--)
  }

  close() {
    this.#agent.destroy()
  }
}

/** Clients, of which one asks whose answers have all come, so that nobody waits behind another's question. */
export class Readers {
  #make
  #lanes
  #turn = 0

  /**
   * @param make - makes one more
   * @param count - how many take turns
   */
  constructor(make, count) {
    this.#make = make
    this.#lanes = Array.from({ length: count }, () => [])
  }

  /** Who asks next. */
  next() {
    const lane = this.#lanes[this.#turn++ % this.#lanes.length]
    const idle = lane.find(({ isBusy }) => !isBusy)
    if (idle !== undefined) return idle
    lane.push(this.#make())
    return lane.at(-1)
  }

  close() {
    for (const reader of this.#lanes.flat()) reader.close()
  }
}
