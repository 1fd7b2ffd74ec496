import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EvictedError, TurnQueue } from '../../src/public/util/turn-queue'
import { deferredPromise } from '../../src/util/sleep'

const task = (log: string[], name: string) => {
  const [ended, end, fail] = deferredPromise<void>()
  const run = async () => {
    log.push(name)
    await ended
  }
  return { run, end: () => end(), fail }
}

describe('a turn queue', () => {
  it('runs one task at a time, in the order in which they came', async () => {
    const queue = new TurnQueue(5)
    const log: string[] = []
    const [a, b, c] = ['a', 'b', 'c'].map((name) => task(log, name)) as [never, never, never] &
      ReturnType<typeof task>[]
    const turns = [a, b, c].map((one: ReturnType<typeof task>) => queue.runInTurn(one.run))
    expect(log).toEqual(['a'])
    expect(queue.length).toBe(2)
    ;(a as ReturnType<typeof task>).end()
    await turns[0]
    expect(log).toEqual(['a', 'b'])
    ;(b as ReturnType<typeof task>).end()
    await turns[1]
    ;(c as ReturnType<typeof task>).end()
    await turns[2]
    expect(log).toEqual(['a', 'b', 'c'])
    expect(queue.length).toBe(0)
  })

  it('evicts who has waited longest when too many wait', async () => {
    const queue = new TurnQueue(2)
    const log: string[] = []
    const tasks = [1, 2, 3, 4, 5].map((n) => task(log, String(n)))
    const outcomes = Promise.allSettled(tasks.map(({ run }) => queue.runInTurn(run)))
    expect(queue.length).toBe(2)
    for (const { end } of tasks) end()
    const states = await outcomes
    expect(states.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    const { reason } = states[1] as PromiseRejectedResult
    expect(reason).toBeInstanceOf(EvictedError)
    expect(reason).toMatchObject({ name: 'EvictedError', message: 'Too many pending turns' })
    expect(log).toEqual(['1', '4', '5'])
  })

  it('hands a failure to its caller alone, and goes on', async () => {
    const queue = new TurnQueue(5)
    const log: string[] = []
    const bad = task(log, 'bad')
    const failing = queue.runInTurn(bad.run)
    const good = queue.runInTurn(() => Promise.resolve(void log.push('good')))
    bad.fail(new Error('boom'))
    await expect(failing).rejects.toThrow('boom')
    await good
    await expect(
      queue.runInTurn(() => {
        throw new Error('at once')
      }),
    ).rejects.toThrow('at once')
    await queue.runInTurn(() => Promise.resolve(void log.push('after')))
    expect(log).toEqual(['bad', 'good', 'after'])
  })

  it('lets urgent tasks go first, and evicts them last', async () => {
    const queue = new TurnQueue(2)
    const log: string[] = []
    const first = task(log, 'first')
    const turns = [queue.runInTurn(first.run)]
    const add = (name: string, isUrgent: boolean) =>
      turns.push(queue.runInTurn(() => Promise.resolve(void log.push(name)), { isUrgent }))
    add('regular', false)
    add('urgent 1', true)
    add('urgent 2', true)
    const outcomes = Promise.allSettled(turns)
    first.end()
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(log).toEqual(['first', 'urgent 1', 'urgent 2'])
  })

  it('forgets a task whose signal aborts', async () => {
    const queue = new TurnQueue(5)
    const log: string[] = []
    const first = task(log, 'first')
    const running = queue.runInTurn(first.run)
    const leaving = new AbortController()
    const { signal } = leaving
    const left = queue.runInTurn(() => Promise.resolve(void log.push('left')), { signal })
    const next = queue.runInTurn(() => Promise.resolve(void log.push('next')))
    leaving.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    await expect(queue.runInTurn(() => Promise.resolve(), { signal })).rejects.toThrow('gone')
    first.end()
    await Promise.all([running, next])
    expect(log).toEqual(['first', 'next'])
  })

  it('never runs two tasks at once, and runs or evicts every one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(
          fc.record({ isUrgent: fc.boolean(), fails: fc.boolean(), ticks: fc.integer({ min: 0, max: 3 }) }),
          {
            maxLength: 20,
          },
        ),
        async (maxLength, tasks) => {
          const queue = new TurnQueue(maxLength)
          let running = 0
          let ran = 0
          const outcomes = await Promise.allSettled(
            tasks.map(({ isUrgent, fails, ticks }) =>
              queue.runInTurn(
                async () => {
                  running += 1
                  ran += 1
                  expect(running).toBe(1)
                  for (let i = 0; i < ticks; i++) await Promise.resolve()
                  running -= 1
                  if (fails) throw new Error('mine')
                },
                { isUrgent },
              ),
            ),
          )
          const evicted = outcomes.filter(
            (outcome) => outcome.status === 'rejected' && outcome.reason instanceof EvictedError,
          )
          expect(ran + evicted.length).toBe(tasks.length)
          expect(evicted).toHaveLength(Math.max(0, tasks.length - 1 - maxLength))
          expect(queue.length).toBe(0)
        },
      ),
    )
  })
})
