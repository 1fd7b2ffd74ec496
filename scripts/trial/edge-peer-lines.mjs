/** What peers that connect to a listener may cost, and what certificates are good for. The reference has no listeners. */
import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { clearInterval, setImmediate, setInterval } from 'node:timers'
import { gzipSync } from 'node:zlib'
import WebSocket from 'ws'
import { loopShare } from './costs.mjs'
import { freePort } from '../outside/service.mjs'
import { nowMs, pause, within } from '../outside/waiting.mjs'

const TOKENS = { good: 'a-token-of-the-desk', bad: 'a-token-of-the-attic' }
const PEERS = [
  { name: 'desk', rank: 1, token: TOKENS.good },
  { name: 'attic', rank: 2, token: TOKENS.bad },
]
const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }

/** A listener of Tremor's, and its peers. */
class TremorRig {
  static async start(bench, { env = {}, workers } = {}) {
    const rig = new TremorRig()
    rig.port = await freePort()
    const own = { TREMOR_LISTEN: `127.0.0.1:${rig.port}`, TREMOR_PEERS: JSON.stringify(PEERS), ...env }
    rig.service = await bench.service([rig], { venue: 'tremor', env: () => own, workers })
    return rig
  }

  #sockets = []
  start() {}
  stop() {
    for (const socket of this.#sockets) socket.terminate()
  }

  /** Where its prices go, and nothing else that it is sent. */
  async peer(token, { localAddress } = {}) {
    const headers = { authorization: `Bearer ${token}` }
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}`, {
      headers,
      localAddress,
      perMessageDeflate: false,
    })
    this.#sockets.push(socket)
    socket.on('error', () => {})
    const isOpen = await new Promise((resolve) => {
      socket.once('open', () => resolve(true)).once('close', () => resolve(false))
    })
    return isOpen ? socket : undefined
  }
}

const eventOf = (pair, price) => `${JSON.stringify({ ...pair, price, time: Date.now() })}`

/** Again and again, as fast as it is read, for so long. @returns how often */
const flood = async (socket, message, forMs) => {
  let sent = 0
  for (const end = nowMs() + forMs; nowMs() < end && socket.readyState === WebSocket.OPEN;) {
    if (socket.bufferedAmount < 2 ** 20) {
      socket.send(message(sent++))
      await new Promise((resolve) => setImmediate(resolve))
    } else await pause(5)
  }
  return sent
}

const MEBIBYTE = 2 ** 20
const filled = (unit) => Buffer.concat(Array(Math.floor(MEBIBYTE / unit.length)).fill(unit))
const EMPTY_ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00])
const list32 = (tag, count) => {
  const head = Buffer.alloc(5)
  head[0] = tag
  head.writeUInt32BE(count, 1)
  return head
}
const inflating = (algorithm) => [{ name: 'decompress', config: { algorithm } }]

const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth)

/** Messages of at most 1 MiB that take long to be read. */
const BOMBS = [
  { name: 'empty gzip members', pre: inflating('gzip'), make: () => filled(gzipSync('')) },
  { name: 'empty zstd frames', pre: inflating('zstd'), make: () => filled(EMPTY_ZSTD) },
  {
    name: 'spaces, compressed',
    pre: inflating('gzip'),
    make: () => gzipSync(Buffer.alloc(8 * MEBIBYTE - 1, ' ')),
  },
  { name: '340 000 empty objects, one a line', pre: ['separate'], make: () => '{}\n'.repeat(340_000) },
  { name: 'a list of 340 000 empty objects', make: () => `[${'{},'.repeat(340_000)}{}]` },
  { name: 'nested lists', make: () => nested(500_000) },
  { name: 'nested YAML flows', codec: 'yaml', make: () => `[${`${nested(100)},`.repeat(320)}]` },
  { name: 'YAML flows that are not closed', codec: 'yaml', make: () => '[[]'.repeat(21_000) },
  { name: 'small YAML flows', codec: 'yaml', make: () => `[${'{a: [b, {c: d}]},\n'.repeat(3_500)}]` },
  {
    name: 'a msgpack list of nothing',
    codec: 'msgpack',
    make: () => Buffer.concat([list32(0xdd, MEBIBYTE - 5), Buffer.alloc(MEBIBYTE - 5, 0xc0)]),
  },
  {
    name: 'empty messages behind length prefixes',
    pre: ['length-prefixed'],
    make: () => Buffer.alloc(MEBIBYTE),
  },
  { name: 'empty lines', pre: ['separate', 'remove-empty'], make: () => '\n'.repeat(MEBIBYTE) },
]

const FLOOD_MS = 4_000
/** What one peer may take of the event loop, for as long as it likes to. */
const SHARE = 0.35

const bombs = BOMBS.map(({ name, pre = [], codec = 'json', make }) => ({
  name,
  only: 'ours',
  isLong: true,
  async run(bench) {
    const env = { TREMOR_CODEC: codec, TREMOR_PREPROCESSORS: JSON.stringify(pre) }
    const rig = await TremorRig.start(bench, { env })
    const { service } = rig
    const bomb = make()
    const bad = await rig.peer(TOKENS.bad)
    const fromMs = nowMs()
    const shareOf = loopShare(service.pid)
    await flood(bad, () => bomb, FLOOD_MS)
    await pause(Math.max(0, FLOOD_MS - (nowMs() - fromMs)))
    const share = shareOf()
    const { total } = await service.count('data_refused_total').catch(() => ({ total: 0 }))
    const isCut = bad.readyState !== WebSocket.OPEN
    const took = `${Math.round(share * 100)} % of the event loop`
    const ok = share <= SHARE && total > 0
    const said = `${total > 0 ? 'counted' : 'not counted'}${isCut ? ', the peer cut' : ''}`
    return { ok, saw: ok ? `less than ${SHARE * 100} % of the event loop, counted` : `${took}, ${said}` }
  },
}))

/** While one floods, another one pushes prices. */
const beside = {
  name: 'prices of another peer meanwhile',
  only: 'ours',
  isLong: true,
  async run(bench) {
    const rig = await TremorRig.start(bench)
    const [good, bad] = [await rig.peer(TOKENS.good), await rig.peer(TOKENS.bad)]
    let price = 0
    const timer = setInterval(() => good.send(eventOf(ETH, ++price)), 100)
    const flooded = flood(bad, () => `[${'{},'.repeat(340_000)}{}]`, FLOOD_MS)
    let [worstMs, newMs, last] = [0, nowMs(), 0]
    for (const end = nowMs() + FLOOD_MS; nowMs() < end; await pause(20)) {
      const { status, result } = await rig.service.ask(ETH).catch(() => ({}))
      if (status === 200 && result !== last) [last, newMs] = [result, nowMs()]
      worstMs = Math.max(worstMs, nowMs() - newMs)
    }
    clearInterval(timer)
    await flooded
    const ok = worstMs <= 1_000
    return {
      ok,
      saw: `${ok ? 'never' : 'up to'} ${ok ? 'a second' : `${Math.round(worstMs)} ms`} without a new price`,
    }
  },
}

const PER_SECOND = 50
const RATE_MS = 4_000

const lines = (count) => (from) =>
  Array.from({ length: count }, (_, i) => `${eventOf(BTC, from * count + i + 1)}\n`).join('')
const prefixed = (count) => (from) =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) => {
      const text = Buffer.from(eventOf(BTC, from * count + i + 1))
      const head = Buffer.alloc(8)
      head.writeBigUInt64BE(BigInt(text.length))
      return Buffer.concat([head, text])
    }),
  )

/** How many messages there are in one frame. */
const FRAMES = [
  { name: 'one a frame', perFrame: 1, make: (from) => eventOf(BTC, from + 1) },
  { name: '15 lines a frame', perFrame: 15, pre: ['separate'], make: lines(15) },
  { name: '200 lines a frame', perFrame: 200, pre: ['separate'], make: lines(200) },
  { name: '20 behind length prefixes', perFrame: 20, pre: ['length-prefixed'], make: prefixed(20) },
  {
    name: '100 lines, compressed',
    perFrame: 100,
    pre: [...inflating('gzip'), 'separate'],
    make: (from) => gzipSync(lines(100)(from)),
  },
]

const rates = FRAMES.map(({ name, perFrame, pre = [], make }) => ({
  name,
  only: 'ours',
  async run(bench) {
    const env = {
      TREMOR_MAX_MESSAGES_PER_SECOND: String(PER_SECOND),
      TREMOR_PREPROCESSORS: JSON.stringify(pre),
    }
    const rig = await TremorRig.start(bench, { env })
    const peer = await rig.peer(TOKENS.good)
    await flood(peer, make, RATE_MS)
    // The price of a message is its number.
    const { result: taken = 0 } = await rig.service.ask(BTC)
    const most = PER_SECOND * (RATE_MS / 1_000 + 1) + perFrame
    const ok = taken > 0 && taken <= most
    return { ok, saw: ok ? `${PER_SECOND} a second` : `${taken} in ${RATE_MS / 1_000} s` }
  },
}))

const SILENT = 100
const ATTACK_MS = 9_000
const IN_WITHIN_MS = 2_000

/** Keeps that many connections to a port, each from its address, that say no more than their beginning. */
const besiege = (port, addressOf, beginning) => {
  const sockets = new Set()
  let isOver = false
  const open = (i) => {
    if (isOver) return
    const socket = connect({ port, host: '127.0.0.1', localAddress: addressOf(i) })
    sockets.add(socket)
    socket.on('error', () => {}).on('connect', () => beginning !== '' && socket.write(beginning))
    socket.on('close', () => {
      sockets.delete(socket)
      setTimeout(() => open(i), 20)
    })
    socket.resume()
  }
  for (let i = 0; i < SILENT; i++) open(i)
  return () => {
    isOver = true
    for (const socket of sockets) socket.destroy()
  }
}

const ONE = () => '127.0.0.2'
const MANY = (i) => `127.0.1.${i + 1}`
const HALF = 'GET / HTTP/1.1\r\nhost: trial\r\nupgrade: websocket\r\n'

/** @param join - `(rig, n) => boolean`: whether one that may push is let in */
const besieged = async (port, { addressOf, beginning, join }) => {
  const end = besiege(port, addressOf, beginning)
  const seen = { in: 0, out: 0, worstMs: 0 }
  try {
    await pause(500)
    for (const until = nowMs() + ATTACK_MS; nowMs() < until; await pause(500)) {
      const fromMs = nowMs()
      const isIn = await within(IN_WITHIN_MS, join)
      seen[isIn === true ? 'in' : 'out']++
      seen.worstMs = Math.max(seen.worstMs, nowMs() - fromMs)
    }
  } finally {
    end()
  }
  const ok = seen.out === 0
  return { ok, saw: ok ? 'let in each time' : `let in ${seen.in} of ${seen.in + seen.out} times` }
}

const siege = [
  { name: 'silent, of one address', addressOf: ONE, beginning: '' },
  { name: 'silent, of as many addresses', addressOf: MANY, beginning: '' },
  { name: 'half a head, of one address', addressOf: ONE, beginning: HALF },
].map(({ name, ...of }) => ({
  name: `tremor, ${name}`,
  only: 'ours',
  isLong: true,
  async run(bench) {
    const rig = await TremorRig.start(bench)
    const join = async () => {
      const peer = await Promise.race([rig.peer(TOKENS.good), pause(1_000)])
      peer?.terminate()
      return peer !== undefined
    }
    return besieged(rig.port, { ...of, join })
  },
}))

const VERSIA = {
  VERSIA_SIGNERS: 'feeds.example=MCowBQYDK2VwAyEAiJkEM7ys1Gt8Z8JM1Ig1ceYOjlJYnrwCbHyvn0Xj+x0=',
  VERSIA_PRICE_TYPE: 'org.example:price_feeds/Price',
}

const versiaSiege = [
  { name: 'silent, of one address', addressOf: ONE, beginning: '' },
  { name: 'silent, of as many addresses', addressOf: MANY, beginning: '' },
].map(({ name, ...of }) => ({
  name: `versia, ${name}`,
  only: 'ours',
  isLong: true,
  async run(bench) {
    const port = await freePort()
    const env = { ...VERSIA, VERSIA_LISTEN_PORT: String(port), VERSIA_LISTEN_TOKEN: TOKENS.good }
    await bench.service([], { venue: 'versia', env: () => env })
    const join = () =>
      new Promise((resolve) => {
        const headers = { authorization: `Bearer ${TOKENS.good}` }
        const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers, handshakeTimeout: 1_000 })
        socket.on('open', () => resolve(true)).on('error', () => resolve(false))
        socket.on('open', () => socket.terminate())
      })
    return besieged(port, { ...of, join })
  },
}))

export const peerLines = [
  {
    name: 'costly-messages',
    law: 'RS-5, RS-7',
    scenario: `a peer of Tremor’s that may push sends for ${FLOOD_MS / 1_000} s what takes long to be read, in messages of at most 1 MiB`,
    right: `less than ${SHARE * 100} % of the event loop’s time, counted; other peers’ prices are served meanwhile`,
    cases: [...bombs, beside],
  },
  {
    name: 'messages-a-second',
    law: 'RS-7',
    scenario: `\`TREMOR_MAX_MESSAGES_PER_SECOND=${PER_SECOND}\`, and a peer that sends as fast as it can, several messages in a frame`,
    right: `${PER_SECOND} a second, counted as messages and not as frames`,
    cases: rates,
  },
  {
    name: 'silent-connections',
    law: 'RS-1',
    scenario: `${SILENT} connections to a listener say nothing, and come again when they are cut`,
    right: `one that may push is let in within ${IN_WITHIN_MS / 1_000} s, each time`,
    cases: [...siege, ...versiaSiege],
  },
]
