import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { wsProvider } from '../../../src/testing'
import { eventually } from '../../helpers/eventually'
import { type Sent, startBatching, Venue } from './batch-rig'

const SYMBOLS = ['S0', 'S1', 'S2']

/** The longest message for one feed. */
const ONE_FEED = Buffer.byteLength('{"op":"unsub","id":99,"s":["S0"]}')

const PER_MS = 20
const SUBSCRIPTION_TTL_MS = 10_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'] }))
afterEach(() => void vi.useRealTimers())

const all = (venue: Venue, op: Sent['op']) =>
  eventually(() => {
    vi.advanceTimersByTime(PER_MS * 2)
    const symbols = venue.sent.filter((message) => message.op === op).flatMap(({ s }) => s)
    expect(symbols).toEqual(expect.arrayContaining(SYMBOLS))
  })

it('has messages for as many feeds as the limit of bytes carries, and all are subscribed and left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: ONE_FEED, max: ONE_FEED + 12 }), async (count) => {
      await using provider = await wsProvider()
      const venue = new Venue(provider, false)
      const sizes: number[] = []
      provider.onMessage((text) => void sizes.push(Buffer.byteLength(text)))
      await using service = await startBatching(
        venue,
        { WARMUP_SUBSCRIPTION_TTL: String(SUBSCRIPTION_TTL_MS) },
        { limits: { bytes: { count, perMs: PER_MS } } },
      )
      await Promise.all(SYMBOLS.map((s) => service.post({ s })))
      await all(venue, 'sub')
      vi.advanceTimersByTime(SUBSCRIPTION_TTL_MS)
      await all(venue, 'unsub')
      expect(Math.max(...sizes)).toBeLessThanOrEqual(count)
    }),
    { numRuns: 6 },
  )
})
