import { expect, it } from 'vitest'
import { CompositeTransport } from '../../src/transports/composite-transport'
import { stream, symbolsOf, type Types } from './adapter'
import { HOUR, MINUTE, oneOf, play, SECOND } from './play'
import { type Venue } from './venue'

const MAX_AGE_MS = 6_000
const SYMBOLS = symbolsOf(4)
/** A price of the second one is twice as high, so that it can be told from the first one's. */
const isOfSecond = (price: unknown) => Math.floor(Number(price) / 1_000) >= 2

it('FO-2: Two faces: what the first source has lost comes from the second, all of it or one feed, and the others stay', async () => {
  let [first, second]: Venue[] = []
  await play(
    {
      seed: 3,
      maxAgeMs: MAX_AGE_MS,
      endpoints: ({ venue }) => {
        first = venue('first', { everyMs: 500, priceOf: () => 1_000 })
        second = venue('second', { everyMs: 500, priceOf: () => 2_000 })
        // It answers pings all the time.
        const main = stream(first.url, { ping: { everyMs: 5_000, pongWithinMs: 2_000 } })
        return { price: new CompositeTransport<Types>({ first: main, second: stream(second.url) }) }
      },
    },
    async ({ time, random, client, until }) => {
      await client.askAll(SYMBOLS)
      await time.pass(5_000)
      let [lost, sinceMs, nextMs]: [Set<string>, number, number] = [new Set(), 0, MINUTE]
      let [moved, stayed] = [0, 0]
      const change = () => {
        const isOver = lost.size > 0
        lost = new Set(isOver ? [] : random() < 0.5 ? SYMBOLS : [oneOf(random, SYMBOLS)])
        first!.isDead = lost.size === SYMBOLS.length
        first!.silent.clear()
        for (const symbol of lost) first!.silent.add(symbol)
        sinceMs = time.elapsedMs
        nextMs = sinceMs + MINUTE + random() * 2 * MINUTE
      }
      await until(HOUR, 2 * SECOND, async () => {
        if (time.elapsedMs >= nextMs) change()
        // Both sources tick at the same time; a look between two ticks.
        await time.pass(100)
        const isSettled = time.elapsedMs > sinceMs + MAX_AGE_MS
        for (const symbol of SYMBOLS) {
          const { isFresh, answer } = await client.ask(symbol)
          expect(isFresh).toBe(true)
          if (!isSettled) continue
          expect([symbol, isOfSecond(answer.json.result)]).toEqual([symbol, lost.has(symbol)])
          if (lost.has(symbol)) moved++
          else if (lost.size > 0) stayed++
        }
      })
      expect(Math.min(moved, stayed)).toBeGreaterThan(100)
    },
  )
}, 600_000)

it('SB-6: Two faces: a subscription that the provider loses while it answers pings and the others tick is made again, alone', async () => {
  let venue!: Venue
  await play(
    {
      seed: 4,
      maxAgeMs: 30_000,
      endpoints: (stage) => {
        venue = stage.venue('forgetful', { everyMs: 500 })
        return { price: stream(venue.url, { ping: {} }) }
      },
    },
    async ({ time, random, client, until }) => {
      await client.askAll(SYMBOLS)
      await time.pass(30_000)
      let lost = 0
      const beganMs = time.elapsedMs
      await until(HOUR, 2 * SECOND, async () => {
        if (time.elapsedMs - beganMs > lost * 2 * MINUTE) {
          lost++
          venue.forget(oneOf(random, SYMBOLS))
        }
        // Silence is noticed well within the life of a value.
        expect(await client.askAll(SYMBOLS)).toBe(SYMBOLS.length)
      })
      expect(lost).toBeGreaterThan(25)
      // The connection stays, and nothing but what was lost is subscribed again.
      expect(venue.opened).toBe(1)
      const again = venue.log.filter(({ what }) => what.startsWith('+')).length - SYMBOLS.length
      expect(again).toBeGreaterThanOrEqual(lost - 1)
      expect(again).toBeLessThanOrEqual(lost)
    },
  )
}, 600_000)
