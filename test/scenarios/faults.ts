import { type HttpVenue } from './http-venue'
import { chance, HOUR, MINUTE, oneOf, SECOND } from './play'
import { type Time } from './time'
import { NEVER_TRADED, type Venue } from './venue'

/** What faults happen to. */
export interface World {
  time: Time
  random: () => number
  /** The venue of one stream, and the two of a composite. */
  main: Venue
  first: Venue
  second: Venue
  http: HttpVenue
  /** Why no token is issued, if none is. */
  tokens: { failure: Error | undefined }
  symbols: readonly string[]
  /** Asks for feeds that nobody has asked for before, and does not wait. */
  askOnce: (symbols: readonly string[]) => void
  /** Asks for every feed, and does not wait. */
  lookAtAll: () => void
}

interface Fault {
  /** It lasts about so long, until it is undone; 0 where it is over at once. */
  lastsMs: number
  /** @returns what undoes it, or false where it is not possible now */
  begin: (of: World) => (() => void) | void | false
}

const venueOf = ({ random, main, first, second }: World) => oneOf(random, [main, main, first, second])
const refused = () => Object.assign(new Error('no more tokens'), { statusCode: 401 })
let poisons = 0
let greedy = 0

/** All scenarios of `invariants.md`, 22, that can be played in one process: what begins, and what ends it. */
export const FAULTS: Record<string, Fault> = {
  'flaky provider: closes': {
    lastsMs: 0,
    begin: (of) => {
      for (const socket of venueOf(of).open)
        socket.end(oneOf(of.random, [1000, 1001, 1006, 1008, 1011, 4000]))
    },
  },
  'flaky provider: away': {
    lastsMs: MINUTE,
    begin: (of) => {
      const venue = venueOf(of)
      venue.mode = oneOf(of.random, ['refuse', 'hang', { status: 503 }, { status: 429, retryAfter: '20' }])
      for (const socket of venue.open) socket.end(1006)
      return () => (venue.mode = 'accept')
    },
  },
  'zombie: half-open, then late': {
    lastsMs: 20 * SECOND,
    begin: (of) => {
      const venue = venueOf(of)
      const [socket] = venue.open
      if (socket === undefined) return false
      venue.freeze(socket)
      return () => {
        venue.thaw(socket)
        if (socket.isLeft) socket.end(1000)
      }
    },
  },
  'two faces: pings, dead data': {
    lastsMs: 2 * MINUTE,
    begin: ({ first }) => {
      first.isDead = true
      return () => (first.isDead = false)
    },
  },
  'two faces: one feed is lost': {
    lastsMs: 0,
    // Not of a composite: its feeds are not watched for silence, because another source has them.
    begin: ({ main, random, symbols }) => main.forget(oneOf(random, symbols)),
  },
  'two faces: one feed is silent': {
    lastsMs: 2 * MINUTE,
    begin: (of) => {
      const [venue, symbol] = [venueOf(of), oneOf(of.random, of.symbols)]
      venue.silent.add(symbol)
      return () => venue.silent.delete(symbol)
    },
  },
  'poison week: a bad symbol': {
    lastsMs: 0,
    begin: ({ main, askOnce }) => {
      const symbol = `BAD${poisons++}`
      main.poison.add(symbol)
      askOnce([symbol])
    },
  },
  'liar: lies': {
    lastsMs: 3 * MINUTE,
    begin: ({ main, first }) => {
      for (const venue of [main, first]) venue.liesPercent = 5
      return () => {
        for (const venue of [main, first]) venue.liesPercent = 0
      }
    },
  },
  'clock chaos: a step': {
    lastsMs: 2 * MINUTE,
    begin: ({ time, random }) => {
      if (time.wrongByMs !== 0) return false
      time.step(oneOf(random, [HOUR, -HOUR]))
      return () => time.step(-time.wrongByMs)
    },
  },
  'clock chaos: a leap second': {
    lastsMs: MINUTE,
    begin: ({ time }) => {
      if (time.wrongByMs !== 0) return false
      time.step(-1_000)
      return () => time.step(-time.wrongByMs)
    },
  },
  'clock chaos: the machine sleeps': {
    lastsMs: 0,
    begin: ({ time, random, main, first, second, lookAtAll }) => {
      // A value that nobody looks at between a sleep and a step back by more than that is not known to be old.
      if (time.wrongByMs !== 0) return false
      time.sleep(10 * MINUTE)
      lookAtAll()
      if (random() < 0.5) return
      for (const venue of [main, first, second]) for (const socket of venue.open) socket.end(1006)
    },
  },
  'quota day: 429': {
    lastsMs: MINUTE,
    begin: ({ http, random }) => {
      const retryAfter = random() < 0.5 ? { retryAfter: '20' } : {}
      http.refuses = () => ({ status: 429, ...retryAfter })
      return () => (http.refuses = () => undefined)
    },
  },
  'quota day: errors over HTTP': {
    lastsMs: MINUTE,
    begin: ({ http, random }) => {
      const how = oneOf(random, [{ status: 500 }, { status: 404 }, 'no answer'] as const)
      http.refuses = () => how
      return () => (http.refuses = () => undefined)
    },
  },
  'token night: no tokens': {
    lastsMs: 3 * MINUTE,
    begin: ({ tokens, random }) => {
      tokens.failure = random() < 0.5 ? new Error('connect ECONNREFUSED') : refused()
      return () => (tokens.failure = undefined)
    },
  },
  'monday storm: forty feeds at once': {
    lastsMs: 0,
    begin: ({ askOnce, random }) => {
      const letter = oneOf(random, ['M', 'N', 'O', 'P'])
      askOnce(Array.from({ length: 40 }, (_, i) => `${letter}${'abcd'[i % 4]}${Math.floor(i / 4)}`))
    },
  },
  'greedy client: more feeds than may be': {
    lastsMs: 0,
    begin: ({ askOnce, random }) => {
      // It takes minutes until they have been left.
      if (random() < 0.7) return false
      askOnce(Array.from({ length: 1_100 }, () => `${NEVER_TRADED}${greedy++}`))
      return undefined
    },
  },
}

/** Lets faults begin and end by chance. */
export class Schedule {
  readonly happened = new Map<string, number>()
  private readonly running = new Map<string, { undo: () => void; endsMs: number }>()
  private nextMs: number

  constructor(
    private readonly world: World,
    private readonly meanMs: number,
  ) {
    poisons = greedy = 0
    this.nextMs = world.time.elapsedMs + chance(world.random, meanMs)
  }

  /** Does what is due. */
  look(): void {
    const now = this.world.time.elapsedMs
    for (const [name, { undo, endsMs }] of this.running) {
      if (now < endsMs) continue
      this.running.delete(name)
      undo()
    }
    if (now < this.nextMs) return
    this.nextMs = now + chance(this.world.random, this.meanMs)
    this.begin(oneOf(this.world.random, Object.keys(FAULTS)), now)
  }

  /** Everything is as it should be, from now on. */
  heal(): void {
    for (const { undo } of this.running.values()) undo()
    this.running.clear()
  }

  private begin(name: string, now: number): void {
    if (this.running.has(name)) return
    const { lastsMs, begin } = FAULTS[name]!
    const undo = begin(this.world)
    if (undo === false) return
    this.happened.set(name, (this.happened.get(name) ?? 0) + 1)
    if (undo !== undefined) this.running.set(name, { undo, endsMs: now + chance(this.world.random, lastsMs) })
  }
}
