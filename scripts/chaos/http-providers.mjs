/** Providers over HTTP: one that streams events, and one that is polled. */
import { Buffer } from 'node:buffer'
import { HUGE, Provider, REFUSALS, StreamProvider } from './provider.mjs'

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
