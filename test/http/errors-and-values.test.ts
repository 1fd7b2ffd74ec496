import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Reply, serve, type Served } from '../../src/testing/serve'
import { stillAdapter, type StillTransport, WAYS } from './support'

const LIFE_MS = 90_000
const FEEDS = ['ETH', 'BTC', '__proto__'] as const

const feed = fc.constantFrom(...FEEDS)
const command = fc.oneof(
  fc.record({ act: fc.constant('value' as const), feed }),
  fc.record({ act: fc.constant('error' as const), feed, status: fc.constantFrom(400, 429, 502) }),
  fc.record({ act: fc.constant('refused' as const), feed }),
  fc.record({ act: fc.constant('wait' as const), ms: fc.constantFrom(1, 1_000, LIFE_MS - 1, LIFE_MS) }),
)
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never

/** What is known of one feed by the plain rules: at most one value, and at most one error, beside it or in its place. */
class Known {
  value: { result: number; endsAt: number } | undefined
  error: { message: string; status: number; endsAt: number } | undefined
  /** What happened while a value was there, which did not touch it. */
  aside: { code: string; message: string } | undefined

  isServed(now: number): boolean {
    return this.value !== undefined && now < this.value.endsAt
  }

  take(result: number, now: number): void {
    this.value = { result, endsAt: now + LIFE_MS }
    this.error = this.aside = undefined
  }

  fail(message: string, status: number, now: number): void {
    if (this.isServed(now)) this.aside = { code: 'PROVIDER_ERROR', message }
    else this.error = { message, status, endsAt: now + LIFE_MS }
  }

  refuse(): void {
    this.aside = { code: 'REFUSED_VALUE', message: 'The last value was refused: not-positive' }
  }

  check({ statusCode, json }: Reply, now: number): void {
    const { value, error, aside } = this
    if (this.isServed(now)) {
      expect([statusCode, json.result]).toEqual([200, value!.result])
      return
    }
    if (error !== undefined && now < error.endsAt) {
      expect([statusCode, json.errorMessage]).toEqual([error.status, error.message])
      return
    }
    expect(statusCode).toBe(504)
    if (aside !== undefined) expect(json.error.reason).toMatchObject(aside)
    else if (value !== undefined) expect(json.error.reason.code).toBe('STALE_VALUE')
  }
}

describe.each(WAYS)('values and errors of feeds, where requests are $way', ({ requestTransforms }) => {
  let service: Served
  let transport: StillTransport
  let number = 0

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: 1_700_000_000_000 })
    const still = stillAdapter({ endpoint: { requestTransforms, guards: {}, caseSensitive: true } })
    transport = still.transport
    const env = { CACHE_POLLING_MAX_RETRIES: '0', CACHE_MAX_AGE: `${LIFE_MS}` }
    service = await serve(still.adapter, { env })
  })
  afterEach(async () => {
    vi.useRealTimers()
    await service.stop()
  })

  const run = async (commands: Command[]): Promise<void> => {
    // Feeds of its own.
    const quote = `USD${number++}`
    const params = (base: string) => ({ base, quote })
    const known = new Map(FEEDS.map((name) => [name, new Known()]))
    // Bodies that were answered before are known as bytes and as plans: each answer is looked at twice.
    const checkAll = async () => {
      for (const [base, one] of known)
        for (let time = 0; time < 2; time++) one.check(await service.post(params(base)), Date.now())
    }
    await checkAll()
    for (const one of commands) {
      const now = Date.now()
      if (one.act === 'wait') vi.advanceTimersByTime(one.ms)
      else {
        const of = known.get(one.feed)!
        const about = params(one.feed)
        number++
        if (one.act === 'value') {
          await transport.put(about, number)
          of.take(number, now)
        } else if (one.act === 'error') {
          await transport.putError(about, one.status, `error ${number}`)
          of.fail(`error ${number}`, one.status, now)
        } else {
          await transport.put(about, 0)
          of.refuse()
        }
      }
      await checkAll()
    }
  }

  it(
    'ER-2, ER-3, CA-1, CA-2: nothing ends a value before its time but a newer one, which ends the errors of its feed alone; then the error is the answer',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 15 }), (commands) => run(commands)),
        { numRuns: 60 },
      ),
    60_000,
  )
})
