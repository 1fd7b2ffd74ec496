/**
 * A provider that keeps a log: of every connection and every message, when and on which connection. What it does at each step is told to it.
 * Every tick's value is the time at which it was sent, so that whoever sees the value knows how old it is.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { clearInterval, setInterval } from 'node:timers'
import { WebSocketServer } from 'ws'
import { nowMs } from '../outside/waiting.mjs'

const TICK_MS = 100

/** The most entries of a log that lie within any span of so many ms. */
export const mostWithin = (log, ms) =>
  Math.max(0, ...log.map(({ atMs }) => log.filter((one) => one.atMs > atMs - ms && one.atMs <= atMs).length))

export class CountingProvider {
  /** Handshakes, refused ones too. */
  connects = []
  /** Connections that are open and wait for the answer to a handshake in vain. */
  waiting = new Set()
  /** `op` is `subscribe` or `unsubscribe`, over HTTP `ask`; each has the `symbols` that it names. */
  messages = []
  /** By what code connections were closed. */
  closeCodes = []
  #carried = new Map()
  #lastTick = new Map()
  #longestGap = new Map()
  #say
  #port = 0
  #server
  #sockets
  #timer
  #sse = new Set()
  /** For how long this process was held up at most: what it saw may have come so much earlier. */
  #lagMs = 0
  #tickedMs = Infinity
  #open = new Set()

  /**
   * @param say.upgrade - `(n) => ({ status, headers })` for a handshake that is refused, the n-th of all; without a status it is not answered
   * @param say.price - `(n) => ({ status, headers, body })` for a poll that is refused, the n-th of all; the body as text
   * @param say.answer - `(response, symbol) => boolean`, for a poll: whether it has been answered, or is left without an answer
   * @param say.connected - `(connection) => void`, when one is there
   * @param say.subscribe - `(connection, symbol, carried) => boolean`: whether the symbol ticks from now on
   * @param say.accepts - whether it says so of what it was asked to subscribe
   */
  constructor(say = {}) {
    this.#say = say
  }

  async start() {
    this.#server = createServer((incoming, response) => void this.#answer(incoming, response))
    this.#sockets = new WebSocketServer({ noServer: true })
    this.#server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head))
    this.#server.on('connection', (socket) => {
      this.#open.add(socket)
      socket.on('close', () => this.#open.delete(socket))
    })
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = this.#server.address().port
    this.url = `ws://127.0.0.1:${this.#port}`
    this.httpUrl = `http://127.0.0.1:${this.#port}`
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** May be started again, at the same address. */
  stop() {
    clearInterval(this.#timer)
    this.#carried.clear()
    for (const socket of this.#open) socket.destroy()
    this.#server?.closeAllConnections()
    this.#server?.close()
  }

  /** The symbols that tick on each connection. */
  get carried() {
    return [...this.#carried.values()]
  }

  isTicking(symbol) {
    return this.carried.some((symbols) => symbols.has(symbol))
  }

  /** As if a symbol had never been subscribed. */
  forget(symbol) {
    for (const symbols of this.#carried.values()) symbols.delete(symbol)
  }

  /** Anything, to whoever is connected. */
  send(frame) {
    this.sendText(JSON.stringify(frame))
  }

  sendText(text) {
    for (const connection of this.#carried.keys()) connection.send(text)
  }

  closeAll(code = 1001) {
    for (const connection of this.#carried.keys()) connection.close(code)
  }

  /** The longest time for which one of the symbols did not tick, since it first did; Infinity if it never did. */
  longestGapMs(symbols) {
    return Math.max(...symbols.map((symbol) => this.#gapOf(symbol)))
  }

  log(op, symbol) {
    return this.messages.filter(
      (one) => one.op === op && (symbol === undefined || one.symbols.includes(symbol)),
    )
  }

  /**
   * The most entries of a log within any span of so many ms, as far as this can be told.
   *
   * @param jitterMs - by how much the network may have moved two of them together
   */
  most(log, perMs, jitterMs) {
    return mostWithin(log, perMs - jitterMs - Math.min(this.#lagMs, perMs / 2))
  }

  #gapOf(symbol) {
    const last = this.#lastTick.get(symbol)
    return last === undefined ? Infinity : Math.max(this.#longestGap.get(symbol) ?? 0, nowMs() - last)
  }

  #tick() {
    this.#lagMs = Math.max(this.#lagMs, nowMs() - this.#tickedMs - TICK_MS)
    this.#tickedMs = nowMs()
    for (const [connection, symbols] of this.#carried) {
      for (const symbol of symbols) {
        this.#longestGap.set(symbol, this.#lastTick.has(symbol) ? this.#gapOf(symbol) : 0)
        this.#lastTick.set(symbol, nowMs())
        connection.send(JSON.stringify({ symbol, result: Date.now() }))
      }
    }
  }

  #isRefused(wire, end) {
    this.connects.push({ atMs: nowMs() })
    const refusal = this.#say.upgrade?.(this.connects.length)
    if (refusal?.status !== undefined) end(refusal.status, refusal.headers ?? {})
    else if (refusal !== undefined) {
      this.waiting.add(wire)
      wire.once('close', () => this.waiting.delete(wire))
    }
    return refusal !== undefined
  }

  #upgrade(incoming, socket, head) {
    socket.on('error', () => {})
    const end = (status, headers) => {
      const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.end(`HTTP/1.1 ${status} No\r\n${fields.join('')}content-length: 0\r\nconnection: close\r\n\r\n`)
    }
    // Who gives up is noticed also where there is no answer.
    socket.once('end', () => socket.destroy())
    if (this.#isRefused(socket, end)) return void socket.resume()
    // What is sent at once arrives in one piece with the answer.
    socket.cork()
    this.#sockets.handleUpgrade(incoming, socket, head, (connection) => this.#connected(connection))
    socket.uncork()
  }

  #connected(connection) {
    this.#carried.set(connection, new Set())
    connection.on('close', (code) => {
      this.closeCodes.push(code)
      this.#carried.delete(connection)
    })
    connection.on('error', () => {})
    connection.on('message', (data) => {
      const { op, symbols } = JSON.parse(String(data))
      this.#heard(connection, op, symbols)
    })
    this.#say.connected?.(connection)
  }

  #heard(connection, op, symbols) {
    this.messages.push({ atMs: nowMs(), op, symbols, connection })
    const carried = this.#carried.get(connection)
    for (const symbol of symbols)
      if (op === 'unsubscribe') carried?.delete(symbol)
      else if (this.#say.subscribe?.(connection, symbol, carried) ?? true) carried?.add(symbol)
    if (op === 'subscribe' && this.#say.accepts) connection.send(JSON.stringify({ accepted: symbols }))
  }

  async #answer(incoming, response) {
    const { pathname, searchParams } = new URL(incoming.url, this.httpUrl)
    if (pathname === '/stream') return this.#stream(response)
    if (pathname === '/price') return this.#poll(searchParams.get('symbol'), response)
    let text = ''
    for await (const chunk of incoming) text += chunk
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    for (const stream of this.#sse) this.#heard(stream, pathname.slice(1), JSON.parse(text))
  }

  #poll(symbol, response) {
    this.messages.push({ atMs: nowMs(), op: 'ask', symbols: [symbol] })
    if (this.#say.answer?.(response, symbol) === true) return
    const { status = 200, headers, body } = this.#say.price?.(this.messages.length) ?? {}
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body ?? JSON.stringify(status === 200 ? { result: Date.now() } : {}))
  }

  #stream(response) {
    const end = (status, headers) => response.writeHead(status, headers).end()
    if (this.#isRefused(response.socket, end)) return
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const stream = {
      send: (data) => response.write(`event: tick\ndata: ${data}\n\n`),
      close: () => response.end(),
    }
    this.#carried.set(stream, new Set())
    this.#sse.add(stream)
    response.on('close', () => {
      this.#carried.delete(stream)
      this.#sse.delete(stream)
    })
  }
}
