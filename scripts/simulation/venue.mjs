/**
 * A venue with limits that it counts to the letter, and with all the faults of real ones: symbols at which it closes the connection,
 * symbols that it forgets or never sends, drops, and a restart. Its timers are the global ones, so that a test may hold them.
 */
import { once } from 'node:events'
import { WebSocketServer } from 'ws'

/** Each symbol ticks once in `tickEveryMs`; the work is spread over the time. */
const STEPS = 10
/** A hair of what the network does to two clocks. */
const TOLERANCE = 0.999

/** A strict rolling window: how many of the last `perMs` there are, this one included. */
const rolling = ({ count, perMs }, nowMs) => {
  const times = []
  return () => {
    const now = nowMs()
    times.push(now)
    while (now - times[0] > perMs * TOLERANCE) times.shift()
    return { now: times.length, isOver: times.length > count }
  }
}

const say = (socket, message) => socket.readyState === 1 && socket.send(JSON.stringify(message))

export class Venue {
  /** How often each limit was broken. */
  broken = { connects: 0, messages: 0, subscriptions: 0 }
  seen = { connects: 0, messages: 0, poisoned: 0, drops: 0, mostConnections: 0, mostConnectsInWindow: 0 }
  #rules
  #nowMs
  #random
  #kinds
  #connects
  #lines = new Map()
  /** When each forgetful symbol was first subscribed; Infinity once it has been forgotten and asked for again. */
  #remembered = new Map()
  #isDown = false
  #price = 0
  #step = 0
  #server
  #timers = []

  /**
   * @param rules - the `numbers` of a plan
   * @param kinds - which symbols are bad, and how, see `planOf`
   * @param of.nowMs - the clock that limits go by
   */
  constructor(rules, kinds, { nowMs, random = Math.random }) {
    this.#rules = rules
    this.#nowMs = nowMs
    this.#random = random
    this.#kinds = Object.fromEntries(Object.entries(kinds).map(([kind, symbols]) => [kind, new Set(symbols)]))
    this.#connects = rolling(rules.connects, nowMs)
  }

  async start() {
    const { tickEveryMs, dropEveryMs } = this.#rules
    this.#server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      verifyClient: (_info, done) => done(!this.#isDown, 503),
    })
    this.#server.on('connection', (socket) => this.#connected(socket))
    await once(this.#server, 'listening')
    this.url = `ws://127.0.0.1:${this.#server.address().port}`
    this.#timers.push(globalThis.setInterval(() => this.#tick(), tickEveryMs / STEPS))
    this.#timers.push(globalThis.setInterval(() => this.#drop(), dropEveryMs))
  }

  async stop() {
    for (const timer of this.#timers) globalThis.clearInterval(timer)
    for (const socket of this.#server.clients) socket.terminate()
    this.#server.close()
    await once(this.#server, 'close')
  }

  restart() {
    this.#isDown = true
    for (const socket of this.#lines.keys()) socket.terminate()
    this.#timers.push(globalThis.setTimeout(() => (this.#isDown = false), this.#rules.downForMs))
  }

  report() {
    const counts = new Map()
    for (const { symbols } of this.#lines.values())
      for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    const twice = [...counts.values()].filter((count) => count > 1).length
    const { broken, seen } = this
    return { broken: { ...broken, twice }, seen, subscribed: counts.size, connections: this.#lines.size }
  }

  #connected(socket) {
    const { now, isOver } = this.#connects()
    const { seen } = this
    seen.connects++
    seen.mostConnectsInWindow = Math.max(seen.mostConnectsInWindow, now)
    if (isOver) this.broken.connects++
    this.#lines.set(socket, { symbols: new Set(), window: rolling(this.#rules.messages, this.#nowMs) })
    seen.mostConnections = Math.max(seen.mostConnections, this.#lines.size)
    socket.on('message', (data) => this.#take(socket, JSON.parse(String(data))))
    socket.on('close', () => this.#lines.delete(socket))
    socket.on('error', () => {})
  }

  #take(socket, { op, symbols }) {
    const line = this.#lines.get(socket)
    if (line === undefined) return
    this.seen.messages++
    if (line.window().isOver) this.broken.messages++
    if (op === 'unsubscribe') {
      for (const symbol of symbols) line.symbols.delete(symbol)
      say(socket, { ended: symbols })
    } else if (symbols.some((symbol) => this.#kinds.poison.has(symbol))) {
      this.seen.poisoned++
      socket.close(1008, 'bad symbol')
    } else for (const symbol of symbols) this.#subscribe(socket, line, symbol)
  }

  #subscribe(socket, line, symbol) {
    if (line.symbols.size >= this.#rules.perConnection && !line.symbols.has(symbol)) {
      this.broken.subscriptions++
      return say(socket, { refused: [[symbol, 'too many subscriptions', 'quota']] })
    }
    if (this.#isForgotten(symbol)) this.#remembered.set(symbol, Infinity)
    else if (this.#kinds.forgotten.has(symbol) && !this.#remembered.has(symbol))
      this.#remembered.set(symbol, this.#nowMs())
    line.symbols.add(symbol)
    say(socket, { accepted: [symbol] })
  }

  #isForgotten(symbol) {
    const sinceMs = this.#remembered.get(symbol)
    return sinceMs !== undefined && this.#nowMs() - sinceMs >= this.#rules.forgetAfterMs
  }

  #tick() {
    this.#step = (this.#step + 1) % STEPS
    for (const [socket, { symbols }] of this.#lines) {
      let at = 0
      for (const symbol of symbols) {
        const isDue = at++ % STEPS === this.#step
        if (!isDue || this.#kinds.silent.has(symbol) || this.#isForgotten(symbol)) continue
        say(socket, { symbol, result: 100 + (++this.#price % 1_000) / 1_000, time: Date.now() })
      }
    }
  }

  #drop() {
    const sockets = [...this.#lines.keys()]
    if (sockets.length === 0) return
    this.seen.drops++
    sockets[Math.floor(this.#random() * sockets.length)].terminate()
  }
}
