import { expect, it } from 'vitest'
import { stream, symbolsOf } from './adapter'
import { chance, HOUR, play } from './play'
import { type Venue } from './venue'
import { type VirtualSocket } from './virtual-socket'

const PING = { everyMs: 5_000, pongWithinMs: 2_000 }
/** What was under way, and the next look. */
const SLACK_MS = 1_100
const MAX_AGE_MS = 10_000
const MEAN_MS = 45_000

/** What became of a connection that was frozen. */
interface Frozen {
  socket: VirtualSocket
  frozenMs: number
  thawsMs: number
}

it('CN-1, CN-2: Zombie: half-open connections are left in time, and what they still send and close late changes nothing', async () => {
  let venue!: Venue
  await play(
    {
      seed: 2,
      maxAgeMs: MAX_AGE_MS,
      declared: { env: { STREAM_HANDLER_RETRY_MAX_MS: '3000' } },
      endpoints: (stage) => {
        venue = stage.venue('zombie', { everyMs: 500 })
        return { price: stream(venue.url, { ping: PING }) }
      },
    },
    async ({ time, random, client, until, model }) => {
      const symbols = symbolsOf(5)
      const frozen: Frozen[] = []
      let [nextMs, missing, longestMs, left, late] = [chance(random, MEAN_MS), 0, 0, 0, 0]
      await client.askAll(symbols)
      await until(HOUR, 250, async () => {
        const now = time.elapsedMs
        const [socket] = venue.open.filter(({ isFrozen, openedMs }) => !isFrozen && openedMs < now - 2_000)
        if (now >= nextMs && socket !== undefined) {
          nextMs = now + chance(random, MEAN_MS)
          venue.freeze(socket)
          // It comes back to life before it is noticed, just then, or long afterwards.
          frozen.push({ socket, frozenMs: now, thawsMs: now + random() * 15_000 })
        }
        for (const one of frozen.filter(({ thawsMs }) => now >= thawsMs)) {
          if (one.socket.isLeft) late++
          // Its late close, after its late ticks.
          venue.thaw(one.socket)
          if (one.socket.isLeft) one.socket.end(1000)
          frozen.splice(frozen.indexOf(one), 1)
        }
        for (const { socket: of, frozenMs } of frozen) {
          if (of.isLeft) left++
          expect(of.isLeft || now - frozenMs <= PING.everyMs + PING.pongWithinMs + SLACK_MS).toBe(true)
        }
        // Never more than the one in use and the one that is left.
        expect(venue.connections.size).toBeLessThanOrEqual(2)
        if (now % 1_000 >= 250) return
        const fresh = await client.askAll(symbols)
        missing = fresh === symbols.length ? 0 : missing + 1_000
        longestMs = Math.max(longestMs, missing)
      })
      expect(venue.opened).toBeGreaterThan(25)
      expect(Math.min(left, late)).toBeGreaterThan(0)
      // They are replaced within the life of a value.
      expect([longestMs, model.errors]).toEqual([0, symbols.length])
    },
  )
}, 600_000)
