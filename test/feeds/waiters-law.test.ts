import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LocalCache } from '../../src/feeds/local-cache'
import { metrics } from '../../src/metrics/registry'
import { instant } from '../../src/util/clock'

const KEYS = ['a', 'b', '__proto__']
const LIFE_MS = 1_000
const key = fc.constantFrom(...KEYS)
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('wait' as const), key, ms: fc.integer({ min: 1, max: 500 }) }),
  },
  fc.record({ act: fc.constant('value' as const), key }),
  fc.record({ act: fc.constant('error' as const), key }),
  fc.record({ act: fc.constant('leave' as const), which: fc.nat() }),
  fc.record({ act: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 300 }) }),
)
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never
type Value = { result?: number; errorMessage?: string }

interface Waiting {
  key: string
  endsAt: number
  client: AbortController
  answer: Value | 'none' | undefined
}

/** The promises of this turn, and no timer. */
const turn = async () => {
  for (let n = 0; n < 10; n++) await Promise.resolve()
}

beforeEach(() => {
  metrics.initialize()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'hrtime'], now: 1_700_000_000_000 })
})
afterEach(() => void vi.useRealTimers())

it('ER-6: whoever waits has what is written in the same turn, whoever comes, leaves and gives up, and nothing is left of them', async () => {
  const run = async (commands: Command[]) => {
    const cache = new LocalCache<Value>(10)
    const all: Waiting[] = []
    const open = () => all.filter(({ answer }) => answer === undefined)
    let number = 0
    const write = (key: string, value: Value) => {
      const isStored = cache.store(key, value, LIFE_MS, instant())
      const told = open().filter((one) => one.key === key)
      return { told: isStored ? told : [], value }
    }
    for (const one of commands) {
      let expected: { told: Waiting[]; value: Value | 'none' } = { told: [], value: 'none' }
      if (one.act === 'wait') {
        const client = new AbortController()
        const waiting: Waiting = { key: one.key, endsAt: Date.now() + one.ms, client, answer: undefined }
        all.push(waiting)
        void cache.waiters
          .wait(one.key, one.ms, client.signal)
          .then((value) => (waiting.answer = value ?? 'none'))
      } else if (one.act === 'value') expected = write(one.key, { result: ++number })
      else if (one.act === 'error') expected = write(one.key, { errorMessage: `${++number}` })
      else if (one.act === 'leave') {
        const leaving = open()[one.which % Math.max(1, open().length)]
        leaving?.client.abort()
        expected.told = leaving === undefined ? [] : [leaving]
      } else {
        vi.advanceTimersByTime(one.ms)
        expected.told = open().filter(({ endsAt }) => endsAt <= Date.now())
      }
      const others = open().filter((waiting) => !expected.told.includes(waiting))
      await turn()
      expect(expected.told.map(({ answer }) => answer)).toEqual(expected.told.map(() => expected.value))
      expect(others.map(({ answer }) => answer)).toEqual(others.map(() => undefined))
      expect([cache.waiters.size, vi.getTimerCount()]).toEqual([others.length, others.length])
    }
    for (const { client } of open()) client.abort()
    await turn()
    expect([cache.waiters.size, vi.getTimerCount()]).toEqual([0, 0])
  }
  await fc.assert(fc.asyncProperty(fc.array(command, { maxLength: 40 }), run), { numRuns: 200 })
})
