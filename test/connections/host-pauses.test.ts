import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { couldNotConnect, reasonOf } from '../../src/connections/connection-error'
import { delayAskedFor, HandshakeRefusal } from '../../src/connections/handshake-refusal'
import { HostPauses } from '../../src/connections/host-pauses'

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] }),
)
afterEach(() => void vi.useRealTimers())

const URL_A = 'wss://a.example/v1'

const setUp = () => {
  const due: number[] = []
  const pauses = new HostPauses(() => void due.push(Date.now()))
  const refuse = async (status: number, retryAfterMs?: number, url = URL_A) => {
    const error = new HandshakeRefusal(status, retryAfterMs)
    const failure = couldNotConnect({ error, message: error.message })
    await pauses.attempt(url, () => Promise.reject(failure)).catch(() => {})
  }
  const heldMs = (url = URL_A) => pauses.hold(url)?.delayMs
  return { pauses, due, refuse, heldMs }
}

describe('a refused handshake', () => {
  it('begins the pause that the provider asks for and a little more, at most an hour, whatever its status', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 400, max: 599 }),
        fc.integer({ min: 1, max: 10_000_000 }),
        async (status, retryAfterMs) => {
          const { pauses, refuse, heldMs } = setUp()
          await refuse(status, retryAfterMs)
          const leastMs = Math.min(retryAfterMs, 3_600_000)
          expect(heldMs()).toBeGreaterThanOrEqual(leastMs)
          expect(heldMs()).toBeLessThanOrEqual(leastMs + Math.min(1_000, leastMs / 10))
          await vi.advanceTimersByTimeAsync(leastMs - 1)
          expect(heldMs()).toBeDefined()
          await vi.advanceTimersByTimeAsync(1_002)
          expect(heldMs()).toBeUndefined()
          pauses.stop()
        },
      ),
      { numRuns: 50 },
    )
  })

  it.each([
    [429, 30_000, 600_000],
    [401, 60_000, 1_200_000],
    [403, 60_000, 1_200_000],
    [400, 30_000, 600_000],
    [404, 30_000, 600_000],
  ])(
    'with %i and no word of when begins a pause of %i ms, longer each time up to %i ms',
    async (status, from, to) => {
      const { pauses, refuse, heldMs } = setUp()
      for (let leastMs = from; leastMs <= to * 4; leastMs *= 2) {
        await refuse(status)
        const nominalMs = Math.min(leastMs, to)
        expect(heldMs()).toBeGreaterThanOrEqual(nominalMs)
        expect(heldMs()).toBeLessThanOrEqual(nominalMs * 1.25)
        await vi.advanceTimersByTimeAsync(nominalMs * 1.25 + 1)
        expect(heldMs()).toBeUndefined()
      }
      await pauses.attempt(URL_A, () => Promise.resolve())
      await refuse(status)
      expect(heldMs()).toBeLessThanOrEqual(from * 1.25)
      pauses.stop()
    },
  )

  it('says in its reason how long the pause is, and by whose wish', async () => {
    const { pauses, refuse } = setUp()
    await refuse(429, 1_800_000)
    const asked = pauses.hold(URL_A)!
    expect(asked.message).toMatch(/^the provider asked for a pause of 180[01](\.\d)? s \(status 429\)$/)
    expect(asked.code).toBe('HANDSHAKE_REFUSED')
    expect(reasonOf(asked.error)).toMatchObject({ code: 'HANDSHAKE_REFUSED', message: asked.message })
    await refuse(404, undefined, 'wss://b.example')
    expect(pauses.hold('wss://b.example')?.message).toMatch(/^a pause of [\d.]+ s follows status 404$/)
    pauses.stop()
  })

  it('holds a URL that is none by its own text', async () => {
    const { pauses, refuse, heldMs } = setUp()
    await refuse(404, undefined, 'nowhere')
    expect(heldMs('nowhere')).toBeGreaterThan(0)
    expect(heldMs('elsewhere')).toBeUndefined()
    pauses.stop()
  })

  it('begins no pause where the provider accepted and asks for one all the same, nor by another failure', async () => {
    const { pauses, refuse, heldMs } = setUp()
    await refuse(200, 5_000)
    await pauses.attempt(URL_A, () => Promise.reject(new Error('reset'))).catch(() => {})
    expect(heldMs()).toBeUndefined()
    await expect(pauses.attempt(URL_A, () => Promise.reject(new Error('reset')))).rejects.toThrow('reset')
    pauses.stop()
  })

  it('with 499 is one of the wrong requests', async () => {
    const { pauses, refuse, heldMs } = setUp()
    await refuse(499)
    expect(heldMs()).toBeGreaterThanOrEqual(30_000)
    pauses.stop()
  })

  it.each([500, 502, 503, 301, 200])('with %i and no word of when begins none', async (status) => {
    const { refuse, heldMs } = setUp()
    await refuse(status)
    expect(heldMs()).toBeUndefined()
  })

  it('concerns its host only, whatever the path', async () => {
    const { pauses, refuse, heldMs } = setUp()
    await refuse(429)
    expect(heldMs('wss://a.example/v2?key=1')).toBeDefined()
    expect(heldMs('wss://b.example/v1')).toBeUndefined()
    expect(heldMs('wss://a.example:8443/v1')).toBeUndefined()
    pauses.stop()
  })

  it('is followed by one attempt alone, and by others when that was accepted', async () => {
    const { pauses, refuse, heldMs, due } = setUp()
    await refuse(429, 5_000)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(due).toHaveLength(1)
    let accept = () => {}
    const probe = pauses.attempt(URL_A, () => new Promise<void>((resolve) => (accept = resolve)))
    expect(heldMs()).toBe(0)
    accept()
    await probe
    expect(heldMs()).toBeUndefined()
  })

  it('is forgotten when what was refused has changed', async () => {
    const { pauses, refuse, heldMs } = setUp()
    await refuse(401)
    pauses.end(URL_A)
    expect(heldMs()).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is remembered for a bounded number of hosts, and leaves no timer behind', async () => {
    const { pauses, refuse, heldMs } = setUp()
    for (let host = 0; host < 120; host++) await refuse(429, undefined, `wss://h${host}.example`)
    expect([heldMs('wss://h19.example'), heldMs('wss://h20.example')]).toEqual([
      undefined,
      expect.any(Number),
    ])
    expect(vi.getTimerCount()).toBe(100)
    pauses.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('what Retry-After says', () => {
  const NOW = Date.UTC(2026, 0, 1)
  const dateAt = (ms: number) => new Date(NOW + ms).toUTCString()
  beforeEach(() => void vi.setSystemTime(NOW))

  it.each([
    ['seconds', { 'retry-after': '30' }, 30_000],
    ['a date', { 'retry-after': dateAt(90_000) }, 90_000],
    [
      'a date, for a provider whose clock is an hour ahead of ours',
      { 'retry-after': dateAt(3_630_000), date: dateAt(3_600_000) },
      30_000,
    ],
    ['nothing', {}, undefined],
    ['a time that is over', { 'retry-after': dateAt(-1_000) }, undefined],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['a date, beside a date that is none', { 'retry-after': dateAt(5_000), date: 'today' }, 5_000],
  ])('in %s', (_, headers, expected) => {
    expect(delayAskedFor(headers)).toBe(expected)
  })
})
