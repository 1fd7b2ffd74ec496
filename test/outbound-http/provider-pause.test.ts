import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { FailingKeys } from '../../src/outbound-http/failing-keys'
import { ProviderPause, type Ticket } from '../../src/outbound-http/provider-pause'
import { WaitingRoom } from '../../src/outbound-http/waiting-room'
import { AdapterRateLimitError } from '../../src/validation/errors'

const NOW = 1_700_000_000_000
const STREAK = 5
const ASKED = { code: 'RATE_LIMITED', message: 'The data provider asked for a pause' }

beforeAll(() => metrics.initialize())
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: NOW })
  // Pauses are as short as they can be: those after failures half a second, then a second, two, four, and five.
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const never = () => new AbortController().signal

/** A pause, and what became of the requests that came to it. */
const paused = ({ maxWaiters = 100, hasBreaker = true } = {}) => {
  const breaker: boolean[] = []
  const pause = new ProviderPause({
    maxWaiters,
    overflow: () => new Error('no room'),
    ...(hasBreaker && { onBreaker: (isOpen: boolean) => void breaker.push(isOpen) }),
  })
  const admitted = new Map<string, Ticket>()
  const refused = new Map<string, Error>()
  const enter = async (...keys: string[]) => {
    for (const key of keys)
      pause.enter(key, never()).then(
        (ticket) => admitted.set(key, ticket),
        (error: Error) => refused.set(key, error),
      )
    await pass(0)
  }
  /** What was admitted since the last call. */
  const news = (): Ticket[] => {
    const tickets = [...admitted.values()]
    admitted.clear()
    return tickets
  }
  const names = () => news().map(({ key }) => key)
  /** So many requests, each by itself, that fail. */
  const fail = async (count: number, from = 0) => {
    for (let n = 0; n < count; n++) {
      await enter(`f${from + n}`)
      for (const ticket of news()) pause.failed(ticket)
    }
  }
  return { pause, breaker, admitted, refused, enter, news, names, fail }
}

describe('the pauses of a host', () => {
  it('are none at first: whoever comes may go', async () => {
    const { pause, enter, news } = paused()
    await enter('a', 'b')
    const [a] = news()
    expect([pause.reason, pause.remainingMs(), pause.admits(a!)]).toEqual([undefined, 0, true])
    pause.abandoned(a!)
    expect(pause.reason).toBeUndefined()
  })

  it('RL-1: last as long as the provider asks, then one goes alone, and with its answer the others', async () => {
    const { pause, breaker, enter, names, news } = paused()
    pause.begin(10_000)
    expect(pause.reason).toEqual({ ...ASKED, sinceUnixMs: NOW, nextAttemptUnixMs: NOW + 10_000 })
    await enter('a', 'b', 'c')
    await pass(9_999)
    expect([names(), pause.remainingMs()]).toEqual([[], 1])
    await pass(1)
    const [a] = news()
    expect([a!.key, pause.admits(a!), pause.remainingMs()]).toEqual(['a', true, 0])
    expect(pause.reason).toEqual({ ...ASKED, sinceUnixMs: NOW })
    await enter('d')
    expect(names()).toEqual([])
    pause.passed(a!)
    await pass(0)
    expect([names(), pause.reason, breaker]).toEqual([['b', 'c', 'd'], undefined, []])
  })

  it('RL-1: admit one that comes after the end as the first, where nobody waited', async () => {
    const { pause, enter, names } = paused()
    pause.begin(10_000)
    await pass(10_000)
    await enter('a', 'b')
    expect(names()).toEqual(['a'])
    pause.stop()
  })

  it('RL-1: are as long as the longest that was asked for, from the first time on', async () => {
    const { pause } = paused()
    pause.begin(10_000)
    await pass(1_000)
    pause.begin(5_000)
    expect(pause.remainingMs()).toBe(9_000)
    await pass(1_000)
    pause.begin(20_000)
    expect(pause.reason).toEqual({ ...ASKED, sinceUnixMs: NOW, nextAttemptUnixMs: NOW + 22_000 })
    await pass(19_999)
    expect(pause.reason).toHaveProperty('nextAttemptUnixMs')
    await pass(1)
    expect(pause.reason).not.toHaveProperty('nextAttemptUnixMs')
    pause.stop()
  })

  it('hold what was admitted before and has not been sent', async () => {
    const { pause, enter, news } = paused()
    await enter('early')
    const [early] = news()
    pause.begin(1_000)
    expect(pause.admits(early!)).toBe(false)
    // Its answer, had it been sent, says nothing of a pause that was asked for.
    pause.passed(early!)
    expect(pause.reason).toMatchObject({ ...ASKED, nextAttemptUnixMs: NOW + 1_000 })
    await pass(1_000)
    expect(pause.admits(early!)).toBe(false)
    await enter('probe')
    const [probe] = news()
    pause.passed(early!)
    expect(pause.reason).toMatchObject(ASKED)
    pause.passed(probe!)
    expect([pause.reason, pause.admits(early!)]).toEqual([undefined, true])
  })

  it('refuse at once who would have to wait for more than half a minute, with the time that it would be', async () => {
    const { pause, enter, refused } = paused()
    pause.begin(30_001)
    await enter('a')
    expect(refused.get('a')).toBeInstanceOf(AdapterRateLimitError)
    expect(refused.get('a')).toMatchObject({
      statusCode: 429,
      msUntilNextExecution: 30_001,
      message: `The data provider asked not to be requested before ${new Date(NOW + 30_001).toISOString()}`,
    })
    await pass(1)
    await enter('b')
    expect(refused.has('b')).toBe(false)
    pause.stop()
  })

  it('refuse who has waited, and would have to for more than half a minute in all, when they become longer', async () => {
    const { pause, enter, refused, names } = paused()
    pause.begin(20_000)
    await enter('a')
    await pass(1)
    await enter('b')
    await pass(9_999)
    pause.begin(20_000)
    expect([...refused.keys()]).toEqual([])
    await pass(1)
    pause.begin(20_000)
    await pass(0)
    expect([...refused.keys()]).toEqual(['a'])
    expect(refused.get('a')).toBeInstanceOf(AdapterRateLimitError)
    await pass(20_000)
    expect(names()).toEqual(['b'])
  })

  it('have no more waiting than there is room for, and refuse who has waited longest', async () => {
    const { pause, enter, refused } = paused({ maxWaiters: 2 })
    pause.begin(1_000)
    await enter('a', 'b', 'c')
    expect([...refused].map(([key, { message }]) => [key, message])).toEqual([['a', 'no room']])
    pause.stop()
    const failing = paused({ maxWaiters: 1 })
    await failing.fail(STREAK)
    await failing.enter('a', 'b')
    expect(failing.refused.get('a')).toMatchObject({ statusCode: 502, reason: { code: 'HOST_FAILING' } })
    failing.pause.stop()
  })
})

describe('RL-4: the pauses of a host that fails', () => {
  it('begin with the fifth failure in a row, and are said to be since the first', async () => {
    const { pause, breaker, fail, enter, news } = paused()
    await fail(STREAK - 1)
    await enter('good')
    pause.passed(news()[0]!)
    await pass(1_000)
    await fail(1, 10)
    await pass(1_000)
    await fail(STREAK - 2, 11)
    expect([breaker, pause.reason]).toEqual([[], undefined])
    await fail(1, 20)
    expect(breaker).toEqual([true])
    expect(pause.reason).toMatchObject({
      code: 'HOST_FAILING',
      sinceUnixMs: NOW + 1_000,
      nextAttemptUnixMs: NOW + 2_500,
    })
    pause.stop()
  })

  it('are none for requests that fail by themselves, while others succeed between their failures', async () => {
    const { pause, breaker, enter, news } = paused()
    const answer = async (key: string, isGood: boolean) => {
      await enter(key)
      const [ticket] = news()
      if (isGood) pause.passed(ticket!)
      else pause.failed(ticket!)
    }
    await answer('bad', false)
    await answer('good', true)
    // The first of these fails for itself, the others are in a row.
    for (let n = 0; n < STREAK; n++) await answer('bad', false)
    expect(breaker).toEqual([])
    await answer('other', false)
    expect(breaker).toEqual([true])
    pause.stop()
  })

  it('are none where there is no breaker', async () => {
    const { pause, fail } = paused({ hasBreaker: false })
    await fail(50)
    expect(pause.reason).toBeUndefined()
    pause.begin(1_000)
    await pass(1_000)
    // Any answer to the probe ends the pause that was asked for.
    await fail(1)
    expect(pause.reason).toBeUndefined()
  })

  it('grow with each probe that fails, and the breaker is told once', async () => {
    const { pause, breaker, fail } = paused()
    await fail(STREAK)
    const pauses: number[] = []
    for (let n = 0; n < 6; n++) {
      pauses.push(pause.remainingMs())
      await pass(pause.remainingMs())
      await fail(1, 100 + n)
    }
    expect([pauses, breaker]).toEqual([[500, 1_000, 2_000, 4_000, 5_000, 5_000], [true]])
    expect(pause.reason).toMatchObject({ sinceUnixMs: NOW })
    pause.stop()
  })

  it('end step by step: with each success one more may be under way, until five have succeeded', async () => {
    const { pause, breaker, fail, enter, news } = paused()
    await fail(STREAK)
    await enter(...Array.from({ length: 30 }, (_, n) => `w${n}`))
    await pass(500)
    let underWay = news()
    const counts = [underWay.length]
    for (let n = 0; n < 5; n++) {
      pause.passed(underWay.shift()!)
      await pass(0)
      underWay = [...underWay, ...news()]
      counts.push(underWay.length)
    }
    expect([counts, breaker, pause.reason]).toEqual([[1, 2, 3, 4, 5, 25], [true, false], undefined])
    // All is as it was at first.
    await fail(STREAK - 1, 200)
    expect(pause.reason).toBeUndefined()
    await fail(1, 300)
    expect([breaker, pause.remainingMs()]).toEqual([[true, false, true], 500])
    pause.stop()
  })

  it('begin again in a trial in which more fails than succeeds, and with all successes to be had again', async () => {
    const { pause, breaker, fail, enter, news } = paused()
    await fail(STREAK)
    await enter('a', 'b', 'c', 'd', 'e', 'f')
    await pass(500)
    pause.passed(news()[0]!)
    await pass(0)
    const [b, c] = news()
    // As many failures as successes: it goes on, and another takes the place.
    pause.failed(b!)
    await pass(0)
    const [d] = news()
    expect([d!.key, pause.remainingMs()]).toEqual(['d', 0])
    pause.failed(c!)
    expect(pause.remainingMs()).toBe(1_000)
    expect([pause.admits(d!), breaker]).toEqual([false, [true]])
    // What was sent before says nothing bad any more.
    pause.failed(d!)
    expect(pause.remainingMs()).toBe(1_000)
    await pass(1_000)
    const [first, second] = news()
    expect([first?.key, second]).toEqual(['e', undefined])
    pause.passed(first!)
    expect(pause.reason).toMatchObject({ code: 'HOST_FAILING' })
    pause.stop()
  })

  it('end at once with an answer to what was sent before', async () => {
    const { pause, fail, enter, news } = paused()
    await enter('early')
    const [early] = news()
    await fail(STREAK)
    await enter('a', 'b')
    pause.passed(early!)
    await pass(0)
    expect(news().map(({ key }) => key)).toEqual(['a'])
    expect(pause.reason).not.toHaveProperty('nextAttemptUnixMs')
    // It counts for no success of the trial.
    pause.passed(early!)
    await pass(0)
    expect(news()).toEqual([])
    // The one that was ended early does not stand in the way of another.
    pause.begin(100)
    expect(pause.reason).toMatchObject({ nextAttemptUnixMs: NOW + 100 })
    pause.stop()
  })

  it('have another probe where the first is not sent after all', async () => {
    const { pause, fail, enter, news, names } = paused()
    await fail(STREAK)
    await enter('a', 'b')
    await pass(500)
    const [a] = news()
    pause.abandoned({ key: 'another', era: a!.era })
    await pass(0)
    expect(names()).toEqual([])
    pause.abandoned(a!)
    await pass(0)
    expect(names()).toEqual(['b'])
  })

  it('are followed by the longer one that was asked for, whose first success ends it only as it ends the other', async () => {
    const { pause, fail, enter, news } = paused()
    await fail(STREAK)
    pause.begin(5_000)
    expect(pause.reason).toMatchObject({ ...ASKED, sinceUnixMs: NOW, nextAttemptUnixMs: NOW + 5_000 })
    await enter('a')
    await pass(5_000)
    pause.passed(news()[0]!)
    expect(pause.reason).toMatchObject(ASKED)
  })

  it('leave a longer one that was asked for as it is', async () => {
    const { pause, fail } = paused()
    pause.begin(5_000)
    await pass(5_000)
    await fail(1)
    expect(pause.reason).toMatchObject({ code: 'HOST_FAILING', nextAttemptUnixMs: NOW + 5_500 })
    pause.begin(9_000)
    expect(pause.remainingMs()).toBe(9_000)
    pause.stop()
  })
})

describe('a room to wait in', () => {
  const room = (max = 10) => {
    const waiting = new WaitingRoom<string>(max, () => new Error('no room'))
    const outcomes = new Map<string, unknown>()
    const wait = (of: string, signal = never()) =>
      void waiting.wait(of, signal).then(
        () => outcomes.set(of, 'admitted'),
        (error: unknown) => outcomes.set(of, error),
      )
    return { waiting, outcomes, wait }
  }

  it('lets go who came first, and nobody twice', async () => {
    const { waiting, outcomes, wait } = room()
    for (const name of ['a', 'b']) wait(name)
    expect([waiting.admitFirst(), waiting.admitFirst(), waiting.admitFirst()]).toEqual(['a', 'b', undefined])
    await pass(0)
    expect([...outcomes]).toEqual([
      ['a', 'admitted'],
      ['b', 'admitted'],
    ])
  })

  it('is left by who gives up, with the reason for that, and is not entered by who has', async () => {
    const { waiting, outcomes, wait } = room()
    const leaving = new AbortController()
    wait('a', leaving.signal)
    wait('late', AbortSignal.abort('gone before'))
    wait('b')
    leaving.abort('gone')
    await pass(0)
    expect(outcomes).toEqual(
      new Map([
        ['late', 'gone before'],
        ['a', 'gone'],
      ]),
    )
    expect([waiting.admitFirst(), waiting.admitFirst()]).toEqual(['b', undefined])
  })

  it('is no place to be called back to after it was left', async () => {
    const { waiting, wait } = room()
    const aborting = new AbortController()
    const removed = vi.spyOn(aborting.signal, 'removeEventListener')
    wait('a', aborting.signal)
    waiting.admitFirst()
    expect(removed.mock.calls).toEqual([['abort', expect.any(Function)]])
  })

  it('holds so many, and makes room by refusing who has waited longest', async () => {
    const { outcomes, wait } = room(2)
    for (const name of ['a', 'b', 'c']) wait(name)
    await pass(0)
    expect(outcomes).toEqual(new Map([['a', new Error('no room')]]))
  })

  it('refuses who will have waited for too long, and nobody else', async () => {
    const { waiting, outcomes, wait } = room()
    wait('a')
    await pass(100)
    wait('b')
    waiting.refuseLate(900, 1_000, () => new Error('late'))
    await pass(0)
    expect(outcomes.size).toBe(0)
    waiting.refuseLate(901, 1_000, () => new Error('late'))
    await pass(0)
    expect([...outcomes.keys()]).toEqual(['a'])
  })
})

describe('what fails because of itself', () => {
  it('is what failed before, with a success of another since', () => {
    const keys = new FailingKeys()
    expect([keys.failed('bad'), keys.failed('bad')]).toEqual([false, false])
    keys.succeeded('good')
    expect([keys.failed('bad'), keys.failed('bad'), keys.failed('new')]).toEqual([true, false, false])
  })

  it('is forgotten once it succeeded', () => {
    const keys = new FailingKeys()
    keys.failed('bad')
    keys.succeeded('bad')
    expect(keys.failed('bad')).toBe(false)
  })

  it('RS-1: is remembered of a thousand requests, those that failed last', async () => {
    metrics.get('boundsOverflow').reset()
    const keys = new FailingKeys()
    for (let n = 0; n < 1_000; n++) keys.failed(`k${n}`)
    keys.failed('k0')
    const { boundsOverflow } = metrics.getMetricsDefinition()!
    expect((await boundsOverflow.get()).values).toEqual([])
    keys.failed('one more')
    expect((await boundsOverflow.get()).values).toMatchObject([
      { labels: { bound: 'failing_requests' }, value: 1 },
    ])
    keys.succeeded('good')
    expect([keys.failed('k0'), keys.failed('k1'), keys.failed('k2')]).toEqual([true, false, false])
  })
})
