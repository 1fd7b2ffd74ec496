import { expect } from 'vitest'
import { seededRandom } from '../../src/testing/simulated-market'
import { Client, type Declared, type Endpoints } from './adapter'
import { Model } from './model'
import { HttpVenue } from './http-venue'
import { Time } from './time'
import { Venue, type VenueOptions } from './venue'

export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000

/** What a scenario is played with. */
export interface Stage {
  time: Time
  model: Model
  random: () => number
  client: Client
  /** Calls `each` every `everyMs` until so much time has passed in all. */
  until: (elapsedMs: number, everyMs: number, each: () => unknown) => Promise<void>
}

type Backstage = Omit<Stage, 'client'> & {
  venue: (name: string, of: VenueOptions) => Venue
  httpVenue: (name: string, of?: { feedOf?: (symbol: string) => string }) => HttpVenue
}

interface Play {
  seed: number
  /** How old a value may be. */
  maxAgeMs: number
  declared?: Declared
  endpoints: (stage: Backstage) => Endpoints
}

/**
 * Plays a scenario in virtual time. However it goes on, every answer has to be lawful by the model, and when the adapter has stopped, no timer
 * and no connection is left.
 */
export const play = async (
  { seed, maxAgeMs, declared, endpoints }: Play,
  scenario: (stage: Stage) => Promise<void>,
): Promise<void> => {
  const time = new Time()
  const model = new Model(maxAgeMs)
  const random = seededRandom(seed)
  const venues: Venue[] = []
  // Jitter is the seed's, too.
  const { random: chances } = Math
  Math.random = seededRandom(seed + 1_000_000)
  const venue = (name: string, of: VenueOptions) => {
    const made = new Venue(name, time, model, random, of)
    venues.push(made)
    return made
  }
  let overHttp: HttpVenue | undefined
  const httpVenue: Backstage['httpVenue'] = (name, of) => (overHttp = new HttpVenue(name, time, model, of))
  const until = async (elapsedMs: number, everyMs: number, each: () => unknown) => {
    while (time.elapsedMs < elapsedMs) {
      await time.pass(everyMs)
      await each()
    }
  }
  const stage = { time, model, random, until }
  try {
    const freshness = { mode: 'tick' as const, maxAgeMs }
    const of = { guards: {}, freshness, ...declared }
    const client = await Client.start(endpoints({ ...stage, venue, httpVenue }), of, time, model)
    try {
      await scenario({ ...stage, client })
      expect(model.unlawful).toEqual([])
    } finally {
      for (const { thawAll } of venues) thawAll()
      const left = await client.stop(venues.length)
      expect({ left, open: venues.flatMap((of) => of.open) }).toEqual({ left: 0, open: [] })
    }
  } finally {
    for (const each of venues) each.stop()
    overHttp?.stop()
    Math.random = chances
    time.end()
  }
}

/** A number with this mean, as far apart as what happens by chance. */
export const chance = (random: () => number, mean: number): number => -mean * Math.log(1 - random())

export const oneOf = <T>(random: () => number, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)]!
