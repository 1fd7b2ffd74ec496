/**
 * Floor for a whole adapter: fastify as in bare-fastify, one `ws` client, and a map. The first request for a feed subscribes it and waits
 * for its first message; later ones are answered from the map, the answer written anew each time. A lost connection is opened again at
 * once (every 20 ms while nobody answers), and everything subscribed again. No validation, limits, expiry, metrics or logs. (To send the
 * subscriptions of a crowd in one write was tried, and made it no faster.)
 */
import fastify from 'fastify'
import { WebSocket } from 'ws'
import { answerTo, type Question, type Tick } from '../feeds'
import { argument, portOf, reportListening } from './control'

const RETRY_MS = 20
const ticks = new Map<string, Tick>()
const waiting = new Map<string, ((tick: Tick) => void)[]>()
const subscribed = new Set<string>()
const url = argument('provider')
let socket: WebSocket

const subscribe = (base: string) => socket.send(JSON.stringify({ op: 'subscribe', base, quote: 'USD' }))

const receive = (data: Buffer): void => {
  const tick = JSON.parse(data.toString()) as Tick
  ticks.set(tick.base, tick)
  const waiters = waiting.get(tick.base)
  if (waiters === undefined) return
  waiting.delete(tick.base)
  for (const wake of waiters) wake(tick)
}

const connect = (): void => {
  let hasOpened = false
  socket = new WebSocket(url)
  socket.on('open', () => {
    hasOpened = true
    for (const base of subscribed) subscribe(base)
  })
  socket.on('message', receive)
  socket.on('error', () => {})
  socket.on('close', () => (hasOpened ? connect() : setTimeout(connect, RETRY_MS)))
}

const firstTick = (base: string): Promise<Tick> =>
  new Promise((resolve) => {
    waiting.set(base, [...(waiting.get(base) ?? []), resolve])
    if (subscribed.has(base)) return
    subscribed.add(base)
    if (socket.readyState === WebSocket.OPEN) subscribe(base)
  })

const app = fastify({ onProtoPoisoning: 'ignore', onConstructorPoisoning: 'ignore' })
app.post('/', (req, reply) => {
  const { base } = (req.body as Question).data
  const tick = ticks.get(base)
  if (tick !== undefined) void reply.send(answerTo(tick))
  else void firstTick(base).then((first) => reply.send(answerTo(first)))
})
connect()
void app.listen({ host: '127.0.0.1', port: 0 }).then(() => reportListening(portOf(app.server)))
