/**
 * The data provider: answers every subscribe with a tick at once, and is silent until the bench tells it otherwise. What it can be
 * told is at the end.
 */
import { once } from 'node:events'
import { type IncomingMessage } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { type WebSocket, WebSocketServer } from 'ws'
import { machineMs } from '../clock'
import { priceOf, type Tick } from '../feeds'
import { portOf, reportListening } from './control'

const MAX_BUFFERED_BYTES = 1_000_000
/** So many ticks of a flood leave in one piece, as those of a busy provider do: one system call for each would be all that is measured. */
const FLOOD_PIECE = 50
const STREAM_EVERY_MS = 2

const subscribed = new Map<WebSocket, Set<string>>()
const wires = new WeakMap<WebSocket, Socket>()
/** What a subscribe is answered with instead of a price of the feed. */
let firstPrice: number | undefined
let server: WebSocketServer

const tick = (base: string, price: number): string =>
  JSON.stringify({ base, quote: 'USD', price, time: Date.now() } satisfies Tick)

const someTick = (base: string): string => tick(base, priceOf(base, Math.random()))

const greet = (socket: WebSocket, { socket: wire }: IncomingMessage): void => {
  const bases = new Set<string>()
  wires.set(socket, wire)
  subscribed.set(socket, bases)
  socket.on('message', (data: Buffer) => {
    const { op, base } = JSON.parse(data.toString()) as { op: string; base: string }
    if (op !== 'subscribe') return void bases.delete(base)
    bases.add(base)
    socket.send(firstPrice === undefined ? someTick(base) : tick(base, firstPrice))
  })
  socket.on('error', () => {})
  socket.on('close', () => subscribed.delete(socket))
}

const listen = async (port: number): Promise<void> => {
  server = new WebSocketServer({ port, host: '127.0.0.1', perMessageDeflate: false })
  server.on('connection', greet)
  await once(server, 'listening')
}

/** Ticks over all feeds as fast as the socket takes them, at last one of each feed with the price that was asked for. */
const flood = async ({ messages, lastPrice }: { messages: number; lastPrice: number }): Promise<void> => {
  for (const [socket, bases] of subscribed) {
    const names = [...bases]
    const wire = wires.get(socket)
    for (let sent = 0; sent < messages;) {
      wire?.cork()
      for (const until = Math.min(sent + FLOOD_PIECE, messages); sent < until; sent++) {
        const base = names[sent % names.length] as string
        socket.send(sent >= messages - names.length ? tick(base, lastPrice) : someTick(base))
      }
      wire?.uncork()
      while (socket.bufferedAmount > MAX_BUFFERED_BYTES)
        await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
}

let stream: NodeJS.Timeout | undefined
let streamed = 0

/** Ticks over all feeds in turn, at a fixed rate over all connections together. */
const startStream = ({ perSecond }: { perSecond: number }): void => {
  const startedAt = machineMs()
  const turns = [...subscribed].flatMap(([socket, bases]) => [...bases].map((base) => ({ socket, base })))
  streamed = 0
  stream = setInterval(() => {
    const due = Math.floor(((machineMs() - startedAt) / 1_000) * perSecond)
    for (; streamed < due; streamed++) {
      const { socket, base } = turns[streamed % turns.length] as (typeof turns)[number]
      socket.send(someTick(base))
    }
  }, STREAM_EVERY_MS)
}

/** @returns how many ticks were sent */
const stopStream = (): number => {
  clearInterval(stream)
  return streamed
}

/** The time of sending as price, to every feed, at a fixed rate. @returns the times, by the machine's clock in ms */
const sendTimes = async ({ perSecond, seconds }: { perSecond: number; seconds: number }) => {
  const times: number[] = []
  const until = machineMs() + seconds * 1_000
  while (machineMs() < until) {
    for (const [socket, bases] of subscribed) {
      for (const base of bases) {
        const now = machineMs()
        times.push(now)
        socket.send(tick(base, now))
      }
    }
    await pause(1_000 / perSecond)
  }
  return times
}

const dropAll = () => {
  for (const socket of subscribed.keys()) socket.terminate()
}

/** Drops all connections; whoever comes back gets this price. @returns when, by the machine's clock in ms */
const drop = ({ price }: { price: number }): number => {
  firstPrice = price
  const at = machineMs()
  dropAll()
  return at
}

/** Accepts connections and ends each at once. @returns what ends that */
const hangUp = async (port: number): Promise<() => Promise<void>> => {
  const door = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
  await once(door, 'listening')
  return async () => {
    door.close()
    await once(door, 'close')
  }
}

/**
 * Drops all connections, and for a while the port refuses new ones, or they are accepted and ended at once.
 *
 * @returns when it was back, by the machine's clock in ms
 */
const goAway = async (of: { price: number; ms: number; isRefusing: boolean }): Promise<number> => {
  const port = portOf(server)
  firstPrice = of.price
  const closed = once(server, 'close')
  server.close()
  dropAll()
  await closed
  const endHangingUp = of.isRefusing ? undefined : await hangUp(port)
  await pause(of.ms)
  await endHangingUp?.()
  await listen(port)
  return machineMs()
}

/** Drops all connections and stops in the same moment: connections are accepted by the system, and nobody answers, until it is continued. */
const freeze = ({ price }: { price: number }): number => {
  firstPrice = price
  dropAll()
  process.kill(process.pid, 'SIGSTOP')
  return machineMs()
}

void listen(0).then(() =>
  reportListening(portOf(server), { flood, startStream, stopStream, sendTimes, drop, goAway, freeze }),
)
