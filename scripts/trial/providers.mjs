/**
 * Providers that do as they are told. Each is a server on this machine that knows a quote of a symbol once it was given one, sends it when
 * the symbol is subscribed (or polled), and again with each tick. A time that is a function is asked for when the quote is sent.
 *
 * All have `url`, `start()`, `stop()`, `tick(symbol, quote)`, `silence()` (no quote any more, whoever asks), `subscribed` (the symbols that
 * are subscribed now, or were polled) and `lastSentMs` (when a quote was sent last).
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { WebSocketServer } from 'ws'
import { nowMs } from '../outside/waiting.mjs'

const sentNow = (quote = {}) => ({
  ...quote,
  ...(typeof quote.time === 'function' && { time: quote.time() }),
})

const listening = async (server) => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}

/** For every provider of quotes over a WebSocket: what differs is the protocol, which is how frames are read and written. */
export class WsProvider {
  subscribed = new Set()
  connections = 0
  /** By the symbol, the last quote. */
  #quotes = new Map()
  #sockets = new Set()
  #isSilent = false
  #protocol
  #server

  constructor(makeProtocol = plainProtocol) {
    this.#protocol = makeProtocol()
  }

  async start() {
    this.#server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(this.#server, 'listening')
    this.port = this.#server.address().port
    this.url = `ws://127.0.0.1:${this.port}`
    this.#server.on('connection', (socket) => this.#connected(socket))
  }

  stop() {
    for (const socket of this.#sockets) socket.terminate()
    this.#server?.close()
  }

  tick(symbol, quote) {
    this.#quotes.set(symbol, quote)
    if (this.subscribed.has(symbol)) this.send(this.#frameOf(symbol))
  }

  silence() {
    this.#isSilent = true
  }

  /** Cuts all connections; `before` is called when nobody is there any more. */
  drop(before) {
    for (const socket of this.#sockets) socket.terminate()
    this.#sockets.clear()
    this.subscribed.clear()
    before()
  }

  /** Any frame, to whoever is connected. */
  send(frame) {
    for (const socket of this.#sockets) socket.send(JSON.stringify(frame))
  }

  #frameOf(symbol) {
    this.lastSentMs = nowMs()
    return this.#protocol.tick(symbol, sentNow(this.#quotes.get(symbol)))
  }

  #connected(socket) {
    this.connections++
    this.subscribed.clear()
    this.#sockets.add(socket)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (this.#sockets.size === 0) this.subscribed.clear()
    })
    socket.on('error', () => {})
    const send = (frame) => socket.send(JSON.stringify(frame))
    this.#protocol.greeting?.().forEach(send)
    socket.on('message', (data) => {
      const { answers = [], subscribe = [], unsubscribe = [] } = this.#protocol.read(JSON.parse(String(data)))
      answers.forEach(send)
      for (const symbol of unsubscribe) this.subscribed.delete(symbol)
      for (const symbol of subscribe) {
        this.subscribed.add(symbol)
        if (!this.#isSilent && this.#quotes.has(symbol)) send(this.#frameOf(symbol))
      }
    })
  }
}

/** That of the small adapter: a quote is the frame. */
const plainProtocol = () => ({
  read: ({ op, symbols }) => ({ [op]: symbols }),
  tick: (symbol, quote) => ({ symbol, ...quote }),
})

/** Answers each poll with the last quote, and none at all once it is silent; `answerWith` gives another body. */
export class HttpProvider {
  subscribed = new Set()
  #quotes = new Map()
  #isSilent = false
  #body
  #server = createHttpServer((incoming, response) => this.#answer(incoming, response))

  async start() {
    this.url = `http://127.0.0.1:${await listening(this.#server)}`
  }

  stop() {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  tick(symbol, quote) {
    this.#quotes.set(symbol, quote)
  }

  silence() {
    this.#isSilent = true
  }

  answerWith(type, body) {
    this.#body = { type, body }
  }

  #answer(incoming, response) {
    if (this.#isSilent) return
    const symbol = new URL(incoming.url, this.url).searchParams.get('symbol')
    this.subscribed.add(symbol)
    const { type, body } = this.#body ?? {
      type: 'application/json',
      body: JSON.stringify(sentNow(this.#quotes.get(symbol))),
    }
    this.lastSentMs = nowMs()
    response.writeHead(200, { 'content-type': type }).end(body)
  }
}

export class SseProvider {
  subscribed = new Set()
  #quotes = new Map()
  #streams = new Set()
  #isSilent = false
  #server = createHttpServer((incoming, response) => this.#answer(incoming, response))

  async start() {
    this.url = `http://127.0.0.1:${await listening(this.#server)}`
  }

  stop() {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  tick(symbol, quote) {
    this.#quotes.set(symbol, quote)
    if (this.subscribed.has(symbol)) this.#send(symbol)
  }

  silence() {
    this.#isSilent = true
  }

  #send(symbol) {
    this.lastSentMs = nowMs()
    const data = JSON.stringify({ symbol, ...sentNow(this.#quotes.get(symbol)) })
    for (const stream of this.#streams) stream.write(`event: tick\ndata: ${data}\n\n`)
  }

  async #answer(incoming, response) {
    if (incoming.url === '/stream') {
      this.subscribed.clear()
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      this.#streams.add(response)
      response.on('close', () => this.#streams.delete(response))
      return
    }
    let text = ''
    for await (const chunk of incoming) text += chunk
    const symbols = JSON.parse(text)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    for (const symbol of symbols) {
      if (incoming.url === '/unsubscribe') this.subscribed.delete(symbol)
      else this.subscribed.add(symbol)
      if (incoming.url === '/subscribe' && !this.#isSilent && this.#quotes.has(symbol)) this.#send(symbol)
    }
  }
}

/** Between an adapter and a provider; `halfOpen()` leaves the connections that there are open, and passes nothing on any more. */
export class TcpProxy {
  /** When each connection was made. */
  connectedAtMs = []
  #pairs = new Set()
  #target
  #server = createTcpServer((near) => this.#connected(near))

  constructor(target) {
    this.#target = target
  }

  async start() {
    this.url = `ws://127.0.0.1:${await listening(this.#server)}`
  }

  stop() {
    for (const pair of this.#pairs) for (const socket of pair.sockets) socket.destroy()
    this.#server.close()
  }

  halfOpen() {
    for (const pair of this.#pairs) pair.isDead = true
  }

  #connected(near) {
    this.connectedAtMs.push(nowMs())
    const far = connect(this.#target.port, '127.0.0.1')
    const pair = { sockets: [near, far], isDead: false }
    this.#pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on('error', () => {})
      from.on('data', (data) => pair.isDead || to.write(data))
      from.on('close', () => pair.isDead || to.destroy())
    }
  }
}
