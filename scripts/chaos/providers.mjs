/**
 * The providers of a world, one for each endpoint. What they do with the next handshake, subscription or poll is told to them; each tells
 * the model what it has sent, and the tally which faults really happened.
 */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { clearInterval, setInterval } from 'node:timers'
import { WebSocketServer } from 'ws'
import { symbolOf } from './model.mjs'

const HUGE = 4 * 1024 * 1024
const SLOW_MS = 250
const BEAT_MS = 300
const OPEN = 1
/** The opcode of a frame. */
const CLOSE = 8

class Provider {
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
const REFUSALS = {
  'refused-503': [503, {}],
  'refused-429': [429, {}],
  'refused-429-retry-after': [429, { 'retry-after': '1' }],
}

/** A provider of streams: what its lines have in common. A line has `send(text)`, `end(code)`, `cut()` and `isOpen`. */
class StreamProvider extends Provider {
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

export class WsProvider extends StreamProvider {
  /** Whether it answers what it is asked. */
  #answers
  #unlisted
  #poison
  /** What the next subscriptions come to. */
  nextSubscriptions = []
  #beats
  #isHealed = false
  #upgrades = new WebSocketServer({ noServer: true, skipUTF8Validation: true })

  constructor(name, world, { answers = false, unlisted = [], poison = [] } = {}) {
    super(name, world)
    this.#answers = answers
    this.#unlisted = unlisted.map(symbolOf)
    this.#poison = poison.map(symbolOf)
  }

  async start() {
    this.server.on('upgrade', (incoming, socket, head) => void this.#upgrade(incoming, socket, head))
    await super.start()
    this.url = this.url.replace('http', 'ws')
    // By which a connection on which nothing is subscribed is known to work.
    if (this.#answers) this.#beats = setInterval(() => this.say('{"isAlive":true}'), BEAT_MS)
  }

  answer(_incoming, response) {
    response.writeHead(404).end()
  }

  stop() {
    clearInterval(this.#beats)
    super.stop()
  }

  heal() {
    super.heal()
    this.nextSubscriptions = []
    // What is half-open stays so, until the service has left it.
    this.#isHealed = true
  }

  /** Passes nothing on any more, in either direction, and stays open. What it has held back arrives once the service has left it. */
  freeze() {
    const lines = this.working
    for (const line of lines) {
      line.isFrozen = true
      this.world.model.ended(this.name, line.id)
      line.freeze(() => this.#left(line))
    }
    return lines.length > 0
  }

  #left(line) {
    this.world.model.retired(this.name, line.id)
    if (this.#isHealed) return line.cut()
    this.#late(line)
  }

  confirm(symbol) {
    const lines = this.carrying(symbol)
    for (const line of lines) {
      line.send(JSON.stringify({ confirmed: [symbol] }))
      this.world.model.confirmed(`${this.name}:${symbol}`, line.id, this.world.now())
    }
    return lines.length > 0
  }

  async #upgrade(incoming, socket, head) {
    const how = await this.handshake()
    if (how === 'handshake-unanswered') return void socket.once('end', () => socket.destroy()).resume()
    const refusal = REFUSALS[how]
    if (refusal !== undefined) {
      const headers = Object.entries(refusal[1]).map(([name, value]) => `${name}: ${value}\r\n`)
      return void socket.end(`HTTP/1.1 ${refusal[0]} No\r\n${headers.join('')}content-length: 0\r\n\r\n`)
    }
    if (!socket.destroyed)
      this.#upgrades.handleUpgrade(incoming, socket, head, (one) => this.#connected(one, socket))
  }

  #connected(socket, wire) {
    const former = this.lines.filter(({ isLeft }) => isLeft)
    const line = this.made({
      get isOpen() {
        return socket.readyState === OPEN
      },
      send: (text) => socket.send(text),
      end: (code) => socket.close(code),
      cut: () => socket.terminate(),
      /** Answers nothing any more, and calls back when the other side says that it leaves. */
      freeze(onLeft) {
        wire.removeAllListeners('data').on('data', (data) => {
          if (this.isLeft || !hasClose(data)) return
          this.isLeft = true
          onLeft()
        })
      },
    })
    socket.on('error', () => {})
    socket.on('close', (code) => {
      this.closes.push(code)
      this.gone(line)
    })
    socket.on('message', (data) => line.isFrozen || this.#take(line, JSON.parse(String(data))))
    for (const one of former) this.#late(one)
  }

  #late(line) {
    if (!line.isOpen) return
    for (const symbol of line.symbols) this.sendOn(line, symbol, this.world.values.honest())
    this.world.happened('late-message')
  }

  #take(line, { op, symbols }) {
    if (op === 'unsubscribe') return symbols.forEach((symbol) => line.symbols.delete(symbol))
    if (symbols.some((symbol) => this.#poison.includes(symbol))) {
      this.world.happened('poison')
      return line.end(1008)
    }
    const isKept = (symbol) => !this.#unlisted.includes(symbol)
    const kept = symbols.filter(isKept)
    for (const symbol of kept) line.symbols.add(symbol)
    const refused = symbols.filter((symbol) => !isKept(symbol))
    if (refused.length > 0) this.world.happened('unlisted')
    if (!this.#answers) return
    const how = this.nextSubscriptions.shift()
    if (how !== undefined) return this.world.happened(how)
    line.send(
      JSON.stringify({ accepted: kept, refused: refused.map((symbol) => [symbol, 'not listed here']) }),
    )
  }
}

/** Whether one of these frames of a client, all of which are short, says that it leaves. */
const hasClose = (data) => {
  for (let at = 0; at + 1 < data.length; at += 6 + (data[at + 1] & 0x7f))
    if ((data[at] & 0x0f) === CLOSE) return true
  return false
}

const bodyOf = async (incoming) => {
  let text = ''
  for await (const chunk of incoming) text += chunk
  return text
}

export class SseProvider extends StreamProvider {
  async answer(incoming, response) {
    if (incoming.url === '/stream') return this.#stream(response)
    const text = await bodyOf(incoming).catch(() => '[]')
    for (const symbol of JSON.parse(text))
      for (const line of this.lines)
        if (incoming.url === '/subscribe') line.symbols.add(symbol)
        else line.symbols.delete(symbol)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }

  async #stream(response) {
    const refusal = REFUSALS[await this.handshake()]
    if (refusal !== undefined) return void response.writeHead(...refusal).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const line = this.made({
      get isOpen() {
        return !response.destroyed && !response.writableEnded
      },
      send: (text) => response.write(`event: tick\ndata: ${text}\n\n`),
      end: () => response.end(),
      cut: () => response.destroy(),
    })
    response.on('close', () => this.gone(line))
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

export class HttpProvider extends Provider {
  /** By socket, its number. */
  #lines = new WeakMap()
  #made = 0

  async start() {
    this.server.on('connection', (socket) => {
      const line = ++this.#made
      this.#lines.set(socket, line)
      this.world.model.connected(this.name, line)
      socket.on('close', () => this.world.model.ended(this.name, line))
    })
    await super.start()
  }

  answer(incoming, response) {
    const symbol = new URL(incoming.url, this.url).searchParams.get('symbol')
    const { do: how, ...more } = this.next.shift() ?? {}
    if (how === undefined) return this.#quoted(symbol, this.world.values.honest(), response)
    this.world.happened(how)
    this.#faults[how](response, symbol, more)
  }

  #faults = {
    'poll-429': (response) => response.writeHead(429).end(),
    'poll-429-retry-after': (response) => response.writeHead(429, { 'retry-after': '1' }).end(),
    'poll-500': (response) => response.writeHead(500, JSON_TYPE).end('{"error":"we are sorry"}'),
    'poll-html': (response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Down for maintenance</html>'),
    'poll-malformed': (response) => response.writeHead(200, JSON_TYPE).end('{"result": 12'),
    'poll-huge': (response) => response.writeHead(200, JSON_TYPE).end(Buffer.alloc(HUGE, 'x')),
    'poll-cut': (response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-length': '100' }).write('{"result": 1')
      setTimeout(() => response.destroy(), 5)
    },
    'poll-hung': () => {},
    'poll-no-number': (response, symbol, { json }) =>
      this.#quoted(symbol, this.world.values.none(json), response),
    'poll-outside': (response, symbol, { json }) =>
      this.#quoted(symbol, this.world.values.none(json), response),
    'poll-backdated': (response, symbol, { byMs }) =>
      this.#quoted(symbol, this.world.values.honest(-byMs), response),
    'poll-future': (response, symbol, { byMs }) =>
      this.#quoted(symbol, this.world.values.honest(byMs), response),
    'poll-text': (response, symbol) => this.#quoted(symbol, this.world.values.text(), response),
  }

  #quoted(symbol, quote, response) {
    const line = this.#lines.get(response.socket)
    response.on('finish', () => this.noted(symbol, quote, line))
    const { json, asOf } = quote
    response.writeHead(200, JSON_TYPE).end(`{"result":${json}${asOf === undefined ? '' : `,"time":${asOf}`}}`)
  }
}
