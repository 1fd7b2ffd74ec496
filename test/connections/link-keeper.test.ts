import fc from 'fast-check'
import { silentLoggers } from './support'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LinkClose } from '../../src/connections/link'
import { metrics } from '../../src/metrics/registry'
import { type Delay, Retry, type RetryRule } from '../../src/connections/retry'
import { LinkKeeper, type SessionEnd } from '../../src/connections/link-keeper'

/** A session that a test opens, ends and watches. */
class Fake {
  end!: (close?: LinkClose) => void
  readonly closed = new Promise<LinkClose>((resolve) => {
    this.end = (close = { code: 1006, reason: '' }) => resolve(close)
  })
  wasClosed = false
  close = () => {
    this.wasClosed = true
    this.end({ code: 1000, reason: '' })
    return this.closed
  }
}

const retryBy = (delayAfter: (end: SessionEnd) => number | undefined) => {
  const rule: RetryRule<SessionEnd, Delay> = { next: (end) => ({ delayMs: delayAfter(end), next: rule }) }
  return new Retry(rule)
}

const world = (delayAfter: (end: SessionEnd) => number | undefined = () => 100) => {
  const attempts: {
    resolve: (session: Fake) => void
    reject: (error: Error) => void
    signal: AbortSignal
  }[] = []
  const states: string[] = []
  const keeper = new LinkKeeper<Fake>({
    url: 'ws://127.0.0.1/?token=secret',
    open: (signal) =>
      new Promise((resolve, reject) => {
        attempts.push({ resolve, reject, signal })
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
    retry: retryBy(delayAfter),
    onState: (state) => states.push(state),
  })
  return { keeper, attempts, states }
}
const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

beforeAll(() => {
  LoggerFactoryProvider.set(silentLoggers)
  metrics.initialize()
})

describe('a keeper of links', () => {
  it('opens, and opens again after the end, for as long as it runs', async () => {
    const { keeper, attempts, states } = world()
    keeper.start()
    keeper.start()
    const first = new Fake()
    attempts[0]!.resolve(first)
    await settle()
    expect(keeper.session).toBe(first)
    first.end()
    await settle()
    expect(keeper.session).toBeUndefined()
    expect(keeper.outage()).toMatchObject({ code: 'CONNECTION_CLOSED', nextAttemptUnixMs: Date.now() + 100 })
    await vi.advanceTimersByTimeAsync(100)
    attempts[1]!.resolve(new Fake())
    await settle()
    expect(states).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open'])
    expect(keeper.outage()).toBeUndefined()
    await keeper.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('asks for each delay with what happened, and gives up when there is none', async () => {
    const ends: SessionEnd[] = []
    const { keeper, attempts } = world(
      (end) => (ends.push(end), end.kind === 'failed' && end.failures === 2 ? undefined : 50),
    )
    keeper.start()
    attempts[0]!.reject(new Error('first'))
    await vi.advanceTimersByTimeAsync(50)
    attempts[1]!.reject(new Error('second'))
    await settle()
    expect(ends.map((end) => end.kind === 'failed' && end.failures)).toEqual([1, 2])
    expect(keeper.state).toBe('failed')
    expect(keeper.outage()).toMatchObject({ message: 'second' })
    keeper.start()
    expect(keeper.state).toBe('connecting')
    await keeper.stop()
  })

  it('ends an attempt and a wait when it stops, and starts no more', async () => {
    const { keeper, attempts } = world()
    keeper.start()
    await keeper.stop()
    expect(attempts[0]!.signal.aborted).toBe(true)
    keeper.start()
    expect(attempts).toHaveLength(1)

    const other = world()
    other.keeper.start()
    other.attempts[0]!.reject(new Error('no'))
    await settle()
    expect(other.keeper.state).toBe('waiting')
    await other.keeper.stop()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(other.attempts).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('closes a session that came too late', async () => {
    const late = new Fake()
    let resolve!: (session: Fake) => void
    const keeper = new LinkKeeper<Fake>({
      url: 'ws://127.0.0.1/',
      // One that does not hear the signal.
      open: () => new Promise((opened) => (resolve = opened)),
      retry: retryBy(() => 100),
    })
    keeper.start()
    await keeper.stop()
    resolve(late)
    await settle()
    expect(late.wasClosed).toBe(true)
    expect(keeper.session).toBeUndefined()
  })

  it('shows no secret of its URL', () => {
    const { keeper } = world()
    expect(JSON.stringify(keeper.status())).not.toContain('secret')
  })

  it('never has two sessions or two attempts, whatever comes in whatever order', async () => {
    const action = fc.constantFrom('open', 'fail', 'end', 'wait', 'start')
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const { keeper, attempts } = world()
        const sessions: Fake[] = []
        keeper.start()
        for (const name of actions) {
          const attempt = attempts.at(-1)!
          if (name === 'open') {
            const session = new Fake()
            attempt.resolve(session)
            await settle()
            if (keeper.session === session) sessions.push(session)
          } else if (name === 'fail') attempt.reject(new Error('no'))
          else if (name === 'end') keeper.session?.end()
          else if (name === 'wait') await vi.advanceTimersByTimeAsync(100)
          else keeper.start()
          await settle()
          const alive = sessions.filter((session) => session === keeper.session)
          expect(alive.length).toBe(keeper.state === 'open' ? 1 : 0)
          expect(vi.getTimerCount()).toBe(keeper.state === 'waiting' ? 1 : 0)
        }
        await keeper.stop()
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 200 },
    )
  })
})
