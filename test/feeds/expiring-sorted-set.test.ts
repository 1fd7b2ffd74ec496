import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ExpiringSortedSet } from '../../src/feeds/expiring-sorted-set'
import { SubscriptionSetFactory } from '../../src/adapter/subscription-set-factory'
import { LoggerFactoryProvider } from '../../src/util/logging'

const warn = vi.fn()

beforeAll(() => {
  LoggerFactoryProvider.set({ child: () => ({ warn }) } as never)
})

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  clock = 0
  warn.mockClear()
})

afterEach(() => {
  vi.useRealTimers()
})

/** What the monotonic clock counts. */
let clock = 0
const pass = (ms: number) => {
  clock += ms
  vi.advanceTimersByTime(ms)
}
const stepWall = (ms: number) => vi.setSystemTime(Date.now() + ms)

type Command =
  | { do: 'add'; key: string; value: number }
  | { do: 'refresh' | 'delete'; key: string }
  | { do: 'wait' | 'step'; ms: number }
  | { do: 'getAll' | 'takeChanges' }

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), key, value: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('refresh' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 60 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('step' as const),
      ms: fc.integer({ min: -3_600_000, max: 3_600_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('getAll' as const, 'takeChanges' as const) }) },
)

const TTL = 100

/** The same by the plain rules of contract 10.2, without a heap. */
class Model {
  readonly items = new Map<string, { value: number; touched: number }>()
  private before = new Set<string>()

  constructor(private readonly capacity: number) {}

  add(key: string, value: number): void {
    if (!this.items.has(key) && this.items.size >= this.capacity) {
      const [oldest] = [...this.items].sort(([, a], [, b]) => a.touched - b.touched)
      if (oldest) this.items.delete(oldest[0])
    }
    // A Map keeps the place of a key that is there.
    this.items.set(key, { value, touched: clock })
  }

  refresh(key: string): boolean {
    const item = this.items.get(key)
    if (item) item.touched = clock
    return item !== undefined
  }

  expire(): void {
    for (const [key, { touched }] of this.items) if (touched + TTL <= clock) this.items.delete(key)
  }

  getAll(): number[] {
    this.expire()
    return [...this.items.values()].map(({ value }) => value)
  }

  takeChanges(): { added: string[]; removed: string[] } {
    this.expire()
    const now = new Set(this.items.keys())
    const added = [...now].filter((key) => !this.before.has(key))
    const removed = [...this.before].filter((key) => !now.has(key))
    this.before = now
    return { added: added.sort(), removed: removed.sort() }
  }
}

describe('ExpiringSortedSet', () => {
  it('does what a plain map would, after any commands and steps of the wall clock, and tells the net difference since it was last asked', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 80 }),
        fc.integer({ min: 1, max: 5 }),
        (commands, capacity) => {
          const set = new ExpiringSortedSet<number>(capacity)
          const model = new Model(capacity)
          const entered: string[] = []
          set.follow(() => entered.push('one'))
          for (const step of commands) {
            // Two things within one millisecond have no order that anyone could see.
            pass(1)
            if (step.do === 'wait') pass(step.ms)
            else if (step.do === 'step') stepWall(step.ms)
            else if (step.do === 'add') {
              const isNew = !model.items.has(step.key)
              const before = entered.length
              set.add(step.value, TTL, step.key)
              model.add(step.key, step.value)
              expect(entered.length - before).toBe(isNew ? 1 : 0)
            } else if (step.do === 'refresh') expect(set.refresh(step.key, TTL)).toBe(model.refresh(step.key))
            else if (step.do === 'delete') {
              set.delete(step.key)
              model.items.delete(step.key)
            } else if (step.do === 'getAll') expect(set.getAll()).toEqual(model.getAll())
            else {
              const { added, removed } = set.takeChanges()
              const expected = model.takeChanges()
              expect([...added.keys()].sort()).toEqual(expected.added)
              expect([...removed.keys()].sort()).toEqual(expected.removed)
              for (const [key, value] of added) expect(value).toBe(model.items.get(key)?.value)
            }
            expect(set.size).toBe(model.items.size)
            for (const [key, { value }] of model.items) expect(set.get(key)).toBe(value)
          }
          expect(set.getAll()).toEqual(model.getAll())
        },
      ),
      { numRuns: 300 },
    )
  })

  it('keeps the order in which members first came, however they are refreshed', () => {
    const set = new ExpiringSortedSet<string>(10)
    for (const name of ['x', 'a', 'm']) set.add(name, TTL, name)
    pass(50)
    set.add('X', TTL, 'x')
    set.refresh('m', TTL)
    set.refresh('a', TTL)
    pass(99)
    expect(set.getAll()).toEqual(['X', 'a', 'm'])
    pass(1)
    expect(set.getAll()).toEqual([])
  })

  it('drops the member asked for longest ago when it is full, and names it', () => {
    const set = new ExpiringSortedSet<string>(2)
    set.add('a', TTL, 'key-a')
    pass(1)
    set.add('b', TTL, 'key-b')
    pass(1)
    set.refresh('key-a', TTL)
    pass(1)
    set.add('c', TTL, 'key-c')
    expect(set.getAll()).toEqual(['a', 'c'])
    expect(warn.mock.calls).toEqual([[{ repeated: 0 }, expect.stringContaining('"key-b"')]])
  })

  it('OB-4: names one of those that it drops a minute, and counts the others', () => {
    const set = new ExpiringSortedSet<string>(2)
    for (let n = 0; n < 100; n++) set.add('a', TTL, `key-${n}`)
    expect(warn).toHaveBeenCalledTimes(1)
    pass(60_000)
    for (let n = 100; n < 103; n++) set.add('a', TTL, `key-${n}`)
    expect(warn.mock.calls.slice(1)).toEqual([[{ repeated: 97 }, expect.stringContaining('dropped "key-')]])
  })

  it('lets a shorter time replace a longer one', () => {
    const set = new ExpiringSortedSet<string>(2)
    set.add('a', 1_000, 'a')
    set.add('a', 10, 'a')
    pass(10)
    expect(set.getAll()).toEqual([])
  })

  it('is what the factory builds, a new one each time', async () => {
    const factory = new SubscriptionSetFactory({ CACHE_TYPE: 'local', SUBSCRIPTION_SET_MAX_ITEMS: 3 }, 'TEST')
    const set = factory.buildSet<string>('price', 'ws')
    expect(set).toBeInstanceOf(ExpiringSortedSet)
    expect((set as ExpiringSortedSet<string>).capacity).toBe(3)
    await set.add('a', TTL, 'a')
    expect(await factory.buildSet('price', 'ws').getAll()).toEqual([])
  })
})
