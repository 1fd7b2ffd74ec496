/** What providers may send: redirects to others, frames and bodies beyond all measure, streams without an end. */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib'
import { WebSocketServer } from 'ws'
import { certificateIn } from './certificates.mjs'
import { peakMib } from './costs.mjs'
import { reasonIn } from '../outside/service.mjs'
import { nowMs, pause, within } from '../outside/waiting.mjs'

/** A server that answers as it is told, and keeps what it was asked: `paths`, and `keys` that came along. */
class Plain {
  paths = []
  keys = []
  #sockets = new Set()

  /**
   * @param answer - `(request, response, plain) => void`
   * @param of.tls - a certificate and its key
   */
  constructor(answer, { tls, upgrade } = {}) {
    const seen = (request, response) => {
      this.paths.push(request.url)
      if (JSON.stringify(request.headers).includes(KEY) || request.url.includes(KEY))
        this.keys.push(request.url)
      answer(request, response, this)
    }
    this.server = tls === undefined ? createServer(seen) : createTlsServer(tls, seen)
    this.scheme = tls === undefined ? 'http' : 'https'
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    })
    if (upgrade !== undefined)
      this.server.on('upgrade', (request, socket) => {
        this.paths.push(request.url)
        upgrade(request, socket, this)
      })
  }

  async start() {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    this.port = this.server.address().port
    this.url = `${this.scheme}://127.0.0.1:${this.port}`
  }

  stop() {
    for (const socket of this.#sockets) socket.destroy()
    this.server.close()
  }
}

const KEY = 'kQ7zR2mXw9LtVb4N'
const json = (response, value) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
/** What must not be served. */
const FOREIGN = 666
const foreign = () =>
  new Plain((request, response) => json(response, { result: FOREIGN }), {
    upgrade: (_request, socket) => socket.destroy(),
  })

/** Enough for what a redirect leads to. */
const LED_MS = 2_500

/** Asks for a while, and says what became of the other server. */
const judged = async (service, other, { isSecret = true } = {}) => {
  const answers = []
  for (const end = nowMs() + LED_MS; nowMs() < end; await pause(250))
    answers.push(await service.ask({ symbol: 'A' }).catch(() => ({ status: 0 })))
  const isServed = answers.some(({ result }) => result === FOREIGN)
  const isAsked = other.paths.length > 0
  const [last] = answers.slice(-1)
  const isNamed = last.status >= 500 && (reasonIn(last.body) ?? last.body?.errorMessage) !== undefined
  const seen = [
    isSecret && other.keys.length > 0 && 'the key goes to the other host',
    isServed && 'its price is served',
    isAsked && 'it was asked',
    !isAsked && !isNamed && 'without a cause',
  ].filter(Boolean)
  return { ok: seen.length === 0, saw: seen.length === 0 ? 'not followed, with a cause' : seen.join(', ') }
}

const keyed = (url, kind = 'http') => ({
  OUTSIDE_KIND: kind,
  OUTSIDE_PROVIDER: url,
  OUTSIDE_DECLARED: JSON.stringify({ sendsKey: true }),
  API_KEY: KEY,
})

const statuses = [301, 302, 303, 307, 308].map((status) => ({ name: `HTTP polling, ${status}`, status }))
const polled = [
  ...statuses,
  { name: 'HTTP polling, another name of the host', status: 302, hostOf: 'localhost' },
  { name: 'HTTP polling, in two steps', status: 302, steps: true },
  { name: 'HTTP polling, two workers', status: 307, workers: 2, only: 'ours' },
].map(({ name, status, hostOf = '127.0.0.1', steps, workers, only }) => ({
  name,
  only,
  async run(bench) {
    const other = await bench.provider(foreign())
    const away = `http://${hostOf}:${other.port}/price?symbol=A`
    const provider = new Plain((request, response) => {
      const location = steps && !request.url.startsWith('/again') ? '/again' : away
      response.writeHead(status, { location }).end()
    })
    const env = () => keyed(provider.url)
    const service = await bench.service([provider], { env, workers })
    return judged(service, other)
  },
}))

const downgraded = {
  name: 'HTTP polling, from TLS to none',
  async run(bench) {
    const tls = certificateIn(bench.folder, 'provider')
    const other = await bench.provider(foreign())
    const provider = new Plain(
      (_request, response) => response.writeHead(302, { location: `${other.url}/price` }).end(),
      { tls },
    )
    const env = () => ({
      ...keyed(`https://localhost:${provider.port}`),
      NODE_EXTRA_CA_CERTS: tls.certFile,
    })
    return judged(await bench.service([provider], { env }), other)
  },
}

const own = {
  name: 'HTTP polling, within its own origin',
  async run(bench) {
    const provider = new Plain((request, response) => {
      if (request.url.startsWith('/moved')) json(response, { result: 100 })
      else response.writeHead(307, { location: '/moved' }).end()
    })
    const service = await bench.service([provider], { env: () => keyed(provider.url) })
    const seen = await within(
      5_000,
      () => service.ask({ symbol: 'A' }),
      ({ result }) => result === 100,
    )
    return { ok: seen !== undefined, saw: seen === undefined ? 'not followed' : 'followed' }
  },
}

const streamed = ['stream', 'subscribe'].map((what) => ({
  name: `SSE, ${what === 'stream' ? 'the stream' : 'a subscription'}`,
  async run(bench) {
    const other = await bench.provider(
      new Plain((request, response) => {
        if (request.url !== '/stream') return json(response, {})
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(`event: tick\ndata: ${JSON.stringify({ symbol: 'A', result: FOREIGN })}\n\n`)
      }),
    )
    const provider = new Plain((request, response) => {
      if (request.url === `/${what}`)
        return response.writeHead(307, { location: `${other.url}${request.url}` }).end()
      if (request.url !== '/stream') return json(response, {})
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    })
    const env = () => ({ OUTSIDE_KIND: 'sse', OUTSIDE_PROVIDER: provider.url })
    return judged(await bench.service([provider], { env }), other, { isSecret: false })
  },
}))

const handshake = {
  name: 'WebSocket, the handshake',
  async run(bench) {
    const other = await bench.provider(foreign())
    const provider = new Plain(() => {}, {
      upgrade: (_request, socket) =>
        socket.end(`HTTP/1.1 302 Found\r\nlocation: ${other.url.replace('http', 'ws')}/\r\n\r\n`),
    })
    const env = () => ({ OUTSIDE_KIND: 'ws', OUTSIDE_PROVIDER: provider.url.replace('http', 'ws') })
    return judged(await bench.service([provider], { env }), other)
  },
}

const MEBIBYTE = 2 ** 20
const HUGE = 99 * MEBIBYTE
/** What a process may grow by for what it then refuses. */
const GROWTH_MIB = 150

/** The growth while `run` goes on, and whether something says what was wrong. */
const grown = async (service, run, isCut) => {
  const before = peakMib(service.pid)
  await run()
  await pause(1_000)
  if (service.hasEnded) return { ok: false, saw: 'the process has ended' }
  const growth = Math.round(peakMib(service.pid) - before)
  const { why } = await service.ask({ symbol: 'A' })
  const texts = [why ?? '', ...service.lines.map((line) => JSON.stringify(line))]
  const isNamed = texts.some((text) => /large|long|limit|exceed|too (big|many)|bytes|size/i.test(text))
  const seen = [
    growth > GROWTH_MIB && `${growth} MiB more`,
    !isCut() && 'not cut',
    !isNamed && 'no word of why',
  ].filter(Boolean)
  return {
    ok: seen.length === 0,
    saw: seen.length === 0 ? 'cut and named, in little memory' : seen.join(', '),
  }
}

const BOMB_MS = 6_000

/** A WebSocket provider that sends one thing to whoever subscribes. */
class BombProvider {
  closes = 0
  sent = 0
  constructor(send, perMessageDeflate = false) {
    this.#send = send
    this.#deflate = perMessageDeflate
  }
  #send
  #deflate
  #server

  async start() {
    this.#server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: this.#deflate })
    await once(this.#server, 'listening')
    this.url = `ws://127.0.0.1:${this.#server.address().port}`
    this.#server.on('connection', (socket) => {
      socket.on('error', () => {}).on('close', () => this.closes++)
      socket.once('message', () => {
        this.sent++
        this.#send(socket)
      })
    })
  }

  stop() {
    for (const socket of this.#server.clients) socket.terminate()
    this.#server.close()
  }
}

const DEFLATE = { threshold: 0, zlibDeflateOptions: { level: 9 } }
const parts = (socket, count, part) => {
  for (let i = 0; i < count && socket.readyState === socket.OPEN; i++)
    socket.send(part, { fin: i === count - 1, binary: false })
}

const FRAMES = [
  { name: 'a frame of 99 MiB', send: (socket) => socket.send(Buffer.alloc(HUGE, ' '), { binary: false }) },
  {
    name: '98 KiB that inflate to 99 MiB',
    deflate: DEFLATE,
    send: (socket) => socket.send(Buffer.alloc(HUGE, ' '), { binary: false, compress: true }),
  },
  { name: '99 parts of 1 MiB', send: (socket) => parts(socket, 99, Buffer.alloc(MEBIBYTE, ' ')) },
]

const frames = [
  ...FRAMES.map((frame) => ({ ...frame, name: `WebSocket, ${frame.name}` })),
  { ...FRAMES[0], name: `coinbase, ${FRAMES[0].name}`, venue: 'coinbase', only: 'ours' },
  { ...FRAMES[1], name: `coinbase, ${FRAMES[1].name}`, venue: 'coinbase', only: 'ours' },
  { ...FRAMES[0], name: `WebSocket, two workers, ${FRAMES[0].name}`, workers: 2, only: 'ours' },
].map(({ name, send, deflate, venue, workers, only }) => ({
  name,
  only,
  isLong: true,
  async run(bench) {
    const provider = new BombProvider(send, deflate)
    const env = () =>
      venue === undefined
        ? { OUTSIDE_KIND: 'ws', OUTSIDE_PROVIDER: provider.url }
        : { COINBASE_WS_API_ENDPOINT: provider.url }
    const service = await bench.service([provider], { venue, workers, env })
    const ask = () => service.ask(venue === undefined ? { symbol: 'A' } : { base: 'ETH', quote: 'USD' })
    const of = workers === undefined ? service : withPid(service, service.process('writer'))
    const run = async () => {
      await ask()
      await within(BOMB_MS, () => provider.sent > 0)
      await within(BOMB_MS, () => provider.closes > 0)
    }
    return grown(of, run, () => provider.closes > 0)
  },
}))

/** The service as its clients see it, and the memory of one of its processes. */
const withPid = (service, pid) => ({
  pid,
  get hasEnded() {
    return service.hasEnded
  },
  get lines() {
    return service.lines
  },
  ask: (data) => service.ask(data),
})

const spaced = (count) => Buffer.alloc(count, ' ')
const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }

const BODIES = [
  ...Object.entries(encodings).map(([encoding, pack]) => ({
    name: `${encoding} of 99 MiB`,
    async write(response) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding })
      response.end(bombs[encoding] ?? (bombs[encoding] = pack(spaced(HUGE))))
    },
  })),
  {
    name: 'without an end',
    async write(response) {
      response.writeHead(200, { 'content-type': 'application/json' })
      await endless(response, spaced(MEBIBYTE))
    },
  },
]
const bombs = {}

/** Writes until nobody reads, or enough was sent. */
const endless = async (response, part, most = 2 * HUGE) => {
  for (let sent = 0; sent < most && !response.destroyed && !response.closed; sent += part.length)
    if (!response.write(part)) await drained(response)
}

/** Resolves also where nobody reads any more. */
const drained = (stream) =>
  new Promise((resolve) => {
    const names = ['drain', 'close', 'error']
    const done = () => {
      for (const name of names) stream.off(name, done)
      resolve()
    }
    for (const name of names) stream.on(name, done)
  })

const ONE_A_SECOND = { RETRY: '0', RATE_LIMIT_CAPACITY_SECOND: '1' }

const bodies = BODIES.map(({ name, write }) => ({
  name: `HTTP polling, ${name}`,
  isLong: true,
  async run(bench) {
    let sent = 0
    const provider = new Plain((_request, response) => {
      sent++
      response.on('error', () => {})
      void write(response).catch(() => {})
    })
    const env = () => ({ OUTSIDE_KIND: 'http', OUTSIDE_PROVIDER: provider.url, ...ONE_A_SECOND })
    const service = await bench.service([provider], { env })
    const run = async () => {
      await service.ask({ symbol: 'A' })
      await within(BOMB_MS, () => sent > 0)
      await pause(BOMB_MS)
    }
    return grown(service, run, () => true)
  },
}))

/** What a stream writes that never comes to the end of an event. */
const STREAMS = {
  'one line without an end': () => Buffer.alloc(MEBIBYTE, 'x'),
  'lines of data without an empty one': () => Buffer.from(`data: ${'x'.repeat(1_018)}\n`.repeat(1_024)),
  'short lines of data without an empty one': () => Buffer.from('data\n'.repeat(MEBIBYTE / 5)),
  'lines of data, compressed': () => Buffer.from(`data: ${'x'.repeat(1_018)}\n`.repeat(1_024)),
}

const streams = Object.entries(STREAMS).map(([name, makePart]) => ({
  name,
  isLong: true,
  async run(bench) {
    const part = makePart()
    const seen = { closed: 0, sent: 0 }
    const provider = new Plain((request, response) => {
      if (request.url !== '/stream') return json(response, {})
      const isPacked = name.endsWith('compressed')
      const head = { 'content-type': 'text/event-stream', ...(isPacked && { 'content-encoding': 'gzip' }) }
      response.writeHead(200, head).flushHeaders()
      response.on('error', () => {}).on('close', () => seen.closed++)
      if (seen.sent++ > 0) return
      const packed = isPacked ? createGzip() : response
      if (isPacked) packed.pipe(response)
      void endless(packed, part)
    })
    const env = () => ({ OUTSIDE_KIND: 'sse', OUTSIDE_PROVIDER: provider.url })
    const service = await bench.service([provider], { env })
    const run = async () => {
      await service.ask({ symbol: 'A' })
      await within(BOMB_MS, () => seen.closed > 0)
    }
    return grown(service, run, () => seen.closed > 0)
  },
}))

export const providerLines = [
  {
    name: 'redirects',
    law: 'SC-6',
    scenario: 'a provider redirects to another origin: a poll that carries a key, an SSE stream, a handshake',
    right: 'the other host is not asked, and the cause is told; within its own origin it is followed',
    cases: [...polled, downgraded, own, ...streamed, handshake],
  },
  {
    name: 'huge-messages',
    law: 'RS-7',
    scenario:
      'a provider sends 99 MiB: a frame, a frame or a body that inflates to that, a body without an end',
    right: `refused within ${GROWTH_MIB} MiB of memory, the connection cut, the cause named`,
    cases: [...frames, ...bodies],
  },
  {
    name: 'endless-events',
    law: 'RS-1, RS-7',
    scenario: 'an SSE stream sends 198 MiB without the end of a line, or of an event',
    right: `cut within ${GROWTH_MIB} MiB of memory, the cause named`,
    cases: streams,
  },
]
