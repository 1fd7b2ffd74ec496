/**
 * A venue with limits that it counts to the letter, and with all the faults of real ones: symbols at which it closes the connection,
 * symbols that it forgets or never sends, drops, and a restart. It is told by its parent what to do, and tells it what it has seen.
 */
import { performance } from 'node:perf_hooks'
import { clearInterval, setInterval } from 'node:timers'
import { WebSocketServer } from 'ws'

const rules = JSON.parse(process.argv[2])
const poison = new Set(rules.poison)
const silent = new Set(rules.silent)
const forgetful = new Set(rules.forgotten)

const broken = { connects: 0, messages: 0, subscriptions: 0, twice: 0 }
const seen = { connects: 0, messages: 0, poisoned: 0, drops: 0, mostConnections: 0, mostConnectsInWindow: 0 }

/** A strict rolling window: how many of the last `perMs` there are, this one included. */
const rolling = ({ count, perMs }) => {
  const times = []
  return () => {
    const now = performance.now()
    times.push(now)
    // A hair of tolerance for what the network does to two clocks.
    while (now - times[0] > perMs * rules.tolerance) times.shift()
    return { now: times.length, isOver: times.length > count }
  }
}

const connects = rolling(rules.connects)
const lines = new Map()
/** When each forgetful symbol was first subscribed; `undefined` once it has been forgotten and asked for again. */
const remembered = new Map()
let isDown = false

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  verifyClient: (_info, done) => done(!isDown, 503),
})
server.on('listening', () => process.send({ port: server.address().port }))
server.on('connection', (socket) => {
  const { now, isOver } = connects()
  seen.connects++
  seen.mostConnectsInWindow = Math.max(seen.mostConnectsInWindow, now)
  if (isOver) broken.connects++
  lines.set(socket, { symbols: new Set(), window: rolling(rules.messages) })
  seen.mostConnections = Math.max(seen.mostConnections, lines.size)
  socket.on('message', (data) => take(socket, JSON.parse(String(data))))
  socket.on('close', () => lines.delete(socket))
  socket.on('error', () => {})
})

const say = (socket, message) => socket.readyState === 1 && socket.send(JSON.stringify(message))

const take = (socket, { op, symbols }) => {
  const line = lines.get(socket)
  if (line === undefined) return
  seen.messages++
  if (line.window().isOver) broken.messages++
  if (op === 'unsubscribe') {
    for (const symbol of symbols) line.symbols.delete(symbol)
    return say(socket, { type: 'unsubscribed', symbols })
  }
  if (symbols.some((symbol) => poison.has(symbol))) {
    seen.poisoned++
    return socket.close(1008, 'bad symbol')
  }
  for (const symbol of symbols) subscribe(socket, line, symbol)
}

const subscribe = (socket, line, symbol) => {
  if (line.symbols.size >= rules.perConnection && !line.symbols.has(symbol)) {
    broken.subscriptions++
    return say(socket, { type: 'refused', symbol, text: 'too many subscriptions' })
  }
  if (forgetful.has(symbol)) {
    if (remembered.has(symbol)) {
      if (performance.now() - remembered.get(symbol) >= rules.forgetAfterMs) remembered.set(symbol, Infinity)
    } else remembered.set(symbol, performance.now())
  }
  line.symbols.add(symbol)
  say(socket, { type: 'subscribed', symbol })
}

const isForgotten = (symbol) =>
  remembered.has(symbol) && performance.now() - remembered.get(symbol) >= rules.forgetAfterMs

let price = 0
/** Each symbol ticks once in `tickEveryMs`; the work is spread over the time. */
const STEPS = 10
let step = 0
const ticking = setInterval(() => {
  step = (step + 1) % STEPS
  for (const [socket, { symbols }] of lines) {
    let at = 0
    for (const symbol of symbols) {
      if (at++ % STEPS !== step || silent.has(symbol) || isForgotten(symbol)) continue
      say(socket, { type: 'tick', symbol, price: 100 + (++price % 1000) / 1000, time: Date.now() })
    }
  }
}, rules.tickEveryMs / STEPS)

const dropping = setInterval(() => {
  const sockets = [...lines.keys()]
  if (sockets.length === 0) return
  seen.drops++
  sockets[Math.floor(Math.random() * sockets.length)].terminate()
}, rules.dropEveryMs)

const restart = () => {
  isDown = true
  for (const socket of lines.keys()) socket.terminate()
  setTimeout(() => (isDown = false), rules.downForMs)
}

process.on('message', (told) => {
  if (told === 'restart') restart()
  if (told === 'report') {
    const counts = new Map()
    for (const { symbols } of lines.values())
      for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    const twice = [...counts.values()].filter((count) => count > 1).length
    process.send({ broken: { ...broken, twice }, seen, subscribed: counts.size, connections: lines.size })
  }
})
process.on('disconnect', () => {
  clearInterval(ticking)
  clearInterval(dropping)
  process.exit()
})
