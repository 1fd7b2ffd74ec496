/**
 * What the providers of a world have in common. What they do with the next handshake, subscription or poll is told to them; each tells the
 * model what it has sent, and the tally which faults really happened.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'

export const HUGE = 4 * 1024 * 1024
const SLOW_MS = 250

export class Provider {
  /** What is done with the next handshakes, or polls: one each. */
  next = []
  #sockets = new Set()
  server = createServer((incoming, response) => void this.answer(incoming, response))

  /**
   * @param world - `now()`, `values` (makes quotes), `model`, `happened(kind)`
   */
  constructor(name, world) {
    this.name = name
    this.world = world
  }

  async start() {
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    })
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    this.url = `http://127.0.0.1:${this.server.address().port}`
  }

  stop() {
    this.server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  get openSockets() {
    return this.#sockets.size
  }

  /** Faults are over. */
  heal() {
    this.next = []
  }

  /** Notes what was sent of a quote; see `values.mjs`. */
  noted(symbol, { number, asOf }, line) {
    this.world.model.sent(`${this.name}:${symbol}`, { number, asOf, line, atMs: this.world.now() })
  }
}

/** What a refused handshake is answered with. */
export const REFUSALS = {
  'refused-503': [503, {}],
  'refused-429': [429, {}],
  'refused-429-retry-after': [429, { 'retry-after': '1' }],
}

/** A provider of streams: what its lines have in common. A line has `send(text)`, `end(code)`, `cut()` and `isOpen`. */
export class StreamProvider extends Provider {
  lines = []
  closes = []
  #made = 0
  #early = new Set()

  /** The lines that carry a symbol and pass something on. */
  carrying(symbol) {
    return this.lines.filter((line) => line.symbols.has(symbol) && !line.isFrozen && line.isOpen)
  }

  get working() {
    return this.lines.filter((line) => !line.isFrozen && line.isOpen)
  }

  /** @returns whether anybody was sent it */
  tick(symbol, quote) {
    const lines = this.carrying(symbol)
    for (const line of lines) this.sendOn(line, symbol, quote)
    return lines.length > 0
  }

  sendOn(line, symbol, quote) {
    line.send(frameOf(symbol, quote))
    line.last.set(symbol, quote)
    this.noted(symbol, quote, line.id)
  }

  again(symbol) {
    const lines = this.carrying(symbol).filter((line) => line.last.has(symbol))
    for (const line of lines) this.sendOn(line, symbol, line.last.get(symbol))
    return lines.length > 0
  }

  /** A frame that is no value. */
  say(text) {
    for (const line of this.working) line.send(text)
    return this.working.length > 0
  }

  huge() {
    return this.say('x'.repeat(HUGE))
  }

  forget(symbol) {
    return this.carrying(symbol).filter((line) => line.symbols.delete(symbol)).length > 0
  }

  end(code) {
    const lines = this.working
    this.#excuse(lines)
    for (const line of lines) line.end(code)
    return lines.length > 0
  }

  cut() {
    const lines = this.lines.filter(({ isOpen }) => isOpen)
    this.#excuse(lines)
    for (const line of lines) line.cut()
    return lines.length > 0
  }

  /**
   * Who closes again and again what has brought nothing yet for a symbol, does as one that closes because of that symbol (SB-5). So all but
   * the first of these have a value before the end.
   */
  #excuse(lines) {
    for (const line of lines.filter(({ isFrozen }) => !isFrozen))
      for (const symbol of [...line.symbols].filter((one) => !line.last.has(one)))
        if (this.#early.has(symbol)) this.sendOn(line, symbol, this.world.values.honest())
        else this.#early.add(symbol)
  }

  /** The service was started anew: it remembers nothing. */
  reborn() {
    this.#early.clear()
  }

  made(line) {
    Object.assign(line, { id: ++this.#made, symbols: new Set(), last: new Map(), isFrozen: false })
    this.lines.push(line)
    this.world.model.connected(this.name, line.id)
    return line
  }

  gone(line) {
    this.lines = this.lines.filter((one) => one !== line)
    this.world.model.ended(this.name, line.id)
  }

  /** @returns how the next handshake is to be refused, or undefined; waits first where it is to be slow */
  async handshake() {
    const how = this.next.shift()
    if (how === undefined) return undefined
    this.world.happened(how, this.name)
    if (how === 'handshake-slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
    return how
  }
}

const frameOf = (symbol, { json, asOf }) =>
  `{"symbol":${JSON.stringify(symbol)},"result":${json}${asOf === undefined ? '' : `,"time":${asOf}`}}`
