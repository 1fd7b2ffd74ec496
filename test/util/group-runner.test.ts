import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GroupRunner } from '../../src/util/group-runner'
import { deferredPromise } from '../../src/util/sleep'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a group runner', () => {
  it('starts a group at once, and the next when all of the last have settled', async () => {
    const runner = new GroupRunner(2)
    const log: number[] = []
    const calls = [0, 1, 2, 3].map((n) => {
      const [promise, resolve, reject] = deferredPromise<number>()
      const outcome = runner.run(() => {
        log.push(n)
        return promise
      })
      return { outcome, resolve, reject }
    })
    await settle()
    expect(log).toEqual([0, 1])
    calls[1]!.resolve(1)
    expect(await calls[1]!.outcome).toBe(1)
    await settle()
    expect(log).toEqual([0, 1])
    calls[0]!.reject(new Error('no'))
    await expect(calls[0]!.outcome).rejects.toThrow('no')
    await settle()
    expect(log).toEqual([0, 1, 2, 3])
    calls[2]!.resolve(2)
    calls[3]!.resolve(3)
    expect(await Promise.all([calls[2]!.outcome, calls[3]!.outcome])).toEqual([2, 3])
  })

  it('fills up a group that has room, even when others of it have ended', async () => {
    const runner = new GroupRunner(3)
    const log: string[] = []
    const never = new Promise<void>(() => {})
    await Promise.all(['a', 'b'].map((name) => runner.run(() => Promise.resolve(void log.push(name)))))
    void runner.run(() => {
      log.push('c')
      return never
    })
    void runner.run(() => Promise.resolve(void log.push('d')))
    await settle()
    expect(log).toEqual(['a', 'b', 'c'])
  })

  it('wraps a function, arguments and all', async () => {
    const add = new GroupRunner(1).wrapFunction((a: number, b: number) => Promise.resolve(a + b))
    expect(await Promise.all([add(1, 2), add(3, 4)])).toEqual([3, 7])
  })

  it('rejects what throws at once, and goes on', async () => {
    const runner = new GroupRunner(1)
    const thrown = runner.run(() => {
      throw new Error('at once')
    })
    await expect(thrown).rejects.toThrow('at once')
    expect(await runner.run(() => Promise.resolve(5))).toBe(5)
  })

  it('never runs more than a group, and runs everything in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 4 }),
        fc.array(fc.record({ fails: fc.boolean(), ticks: fc.integer({ min: 0, max: 4 }) }), {
          maxLength: 15,
        }),
        async (groupSize, calls) => {
          const runner = new GroupRunner(groupSize)
          const started: number[] = []
          let running = 0
          const outcomes = await Promise.allSettled(
            calls.map(({ fails, ticks }, n) =>
              runner.run(async () => {
                started.push(n)
                running += 1
                expect(running).toBeLessThanOrEqual(Math.max(1, groupSize))
                for (let i = 0; i < ticks; i++) await Promise.resolve()
                running -= 1
                if (fails) throw new Error('mine')
                return n
              }),
            ),
          )
          expect(started).toEqual(calls.map((_, n) => n))
          expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(calls.map(({ fails }) => fails))
        },
      ),
    )
  })
})
