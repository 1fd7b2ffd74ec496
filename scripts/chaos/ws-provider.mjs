/** A provider over WebSocket. It may answer what it is asked, refuse symbols, and close the connection at others. */
import { clearInterval, setInterval } from 'node:timers'
import { WebSocketServer } from 'ws'
import { symbolOf } from './model.mjs'
import { REFUSALS, StreamProvider } from './provider.mjs'

const BEAT_MS = 300
const OPEN = 1
/** The opcode of a frame. */
const CLOSE = 8

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
      // What was left half-open hears no answer to that, and is cut in the end.
      if (!line.isLeft) this.closes.push(code)
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
