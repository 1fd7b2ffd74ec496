import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { BackgroundRunner } from '../../src/transports/runner'
import { metrics } from '../../src/metrics/registry'
import { WAKE } from '../../src/transports/capabilities'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { asyncLocalStorage, LoggerFactoryProvider } from '../../src/util/logging'
import { Heartbeats } from '../../src/util/heartbeats'
import { WakeSignal } from '../../src/util/wake-signal'

const errors: string[] = []

beforeAll(() => {
  metrics.initialize()
  const child = () => ({ error: (_fields: object, text: string) => void errors.push(text) })
  LoggerFactoryProvider.set({ child } as never)
})

beforeEach(() => {
  errors.length = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

const context = { endpointName: 'price' } as never

let names = 0

type Run = (of: unknown) => Promise<void>

const build = (run: Run, of: { wake?: WakeSignal; timeoutMs?: number } = {}) => {
  const transport = { backgroundExecute: vi.fn(run), ...(of.wake && { [WAKE]: of.wake }) }
  const name = `transport${names++}`
  const runner = new BackgroundRunner('TEST', name, transport as never, context, of.timeoutMs ?? 1_000)
  const sample = (metric: 'bgExecuteTotal' | 'bgExecuteErrors' | 'bgExecuteDurationSeconds') => {
    const { hashMap } = metrics.get(metric) as unknown as {
      hashMap: Record<string, { value: number; labels: { transport: string } }>
    }
    return Object.values(hashMap).find(({ labels }) => labels.transport === name)?.value
  }
  return { runner, runs: () => transport.backgroundExecute.mock.calls.length, sample }
}

const advance = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms)
  await nextTurn()
}

describe('a background runner', () => {
  it('begins its first run as it is started, with its one context', async () => {
    const seen: unknown[] = []
    const { runner, runs, sample } = build((of) => {
      seen.push(of, asyncLocalStorage.getStore())
      return Promise.resolve()
    })
    runner.start()
    expect(runs()).toBe(1)
    expect(seen[0]).toBe(context)
    expect(seen[1]).toEqual({ correlationId: 'Endpoint: price - Transport: Object' })
    await runner.stop()
    expect(sample('bgExecuteTotal')).toBe(1)
  })

  it('the store names endpoint and transport, except for WebSocket streams', async () => {
    const stores: unknown[] = []
    const look = () => {
      stores.push(asyncLocalStorage.getStore())
      return Promise.resolve()
    }
    const stream = new WebSocketTransport({ url: () => 'ws://127.0.0.1:1', handlers: { message: () => [] } })
    stream.backgroundExecute = look
    const { runner } = build(look, { wake: new WakeSignal() })
    const ofStream = new BackgroundRunner('TEST', 'stream', stream, context, 1_000)
    runner.start()
    ofStream.start()
    expect(stores).toEqual([{ correlationId: 'Endpoint: price - Transport: Object' }, undefined])
    const ends = Promise.all([runner.stop(), ofStream.stop()])
    await advance(20)
    await ends
  })

  it('pauses 10 ms between two runs of a custom transport, even where the clock stands still', async () => {
    const { runner, runs } = build(() => Promise.resolve())
    vi.spyOn(Date, 'now').mockReturnValue(5)
    runner.start()
    await advance(9)
    expect(runs()).toBe(1)
    await advance(1)
    expect(runs()).toBe(2)
    await advance(100)
    expect(runs()).toBe(12)
    await runner.stop()
    vi.mocked(Date.now).mockRestore()
  })

  it('runs one of ours again at once when it is woken, and not while a run is in progress', async () => {
    const wake = new WakeSignal()
    let running = 0
    let most = 0
    const { runner, runs } = build(
      async () => {
        most = Math.max(most, ++running)
        await wake.wait(5_000)
        await Promise.resolve()
        running--
      },
      { wake, timeoutMs: 60_000 },
    )
    runner.start()
    await advance(4_000)
    expect(runs()).toBe(1)
    for (let i = 2; i < 6; i++) {
      wake.wake()
      wake.wake()
      await advance(0)
      for (let turn = 0; turn < 20 && runs() < i; turn++) await nextTurn()
      expect(runs()).toBe(i)
    }
    expect(most).toBe(1)
    const stopping = runner.stop()
    wake.wake()
    await stopping
    expect(vi.getTimerCount()).toBe(0)
  })

  it('CN-10: begins no run before the last one has ended, but counts and names one that takes too long', async () => {
    let end = () => {}
    const { runner, runs, sample } = build(() => new Promise<void>((resolve) => (end = resolve)))
    runner.start()
    await advance(999)
    expect(sample('bgExecuteErrors')).toBeUndefined()
    await advance(1)
    expect(sample('bgExecuteErrors')).toBe(1)
    expect(errors[0]).toContain('The promise "Background Execute" took longer than 1000 ms to execute')
    await advance(500)
    expect(runs()).toBe(1)
    end()
    await advance(10)
    expect(runs()).toBe(2)
    expect(sample('bgExecuteDurationSeconds')).toBe(1.5)
    await runner.stop()
  })

  it('gives up a run that has not ended after twice its time', async () => {
    let late = (_error: Error) => {}
    const { runner, runs, sample } = build(() =>
      runs() === 1 ? new Promise<void>((_, reject) => (late = reject)) : Promise.resolve(),
    )
    runner.start()
    await advance(2_009)
    expect(runs()).toBe(1)
    await advance(1)
    expect(runs()).toBe(2)
    expect(sample('bgExecuteErrors')).toBe(2)
    expect(errors[1]).toContain('A run was given up: it never ended')
    late(new Error('at last'))
    await advance(10)
    expect(runs()).toBe(3)
    await runner.stop()
  })

  it('LC-1: replaces a run that hangs; when that ends at last, it neither counts as going round nor as a failure', async () => {
    const loops = new Heartbeats()
    const ends: ((error?: Error) => void)[] = []
    const backgroundExecute = () =>
      new Promise<void>((resolve, reject) => {
        ends.push((error) => (error === undefined ? resolve() : reject(error)))
      })
    const heart = loops.add('loop', 3_000)
    const runner = new BackgroundRunner(
      'TEST',
      'hanging',
      { backgroundExecute } as never,
      context,
      1_000,
      heart,
    )
    runner.start()
    await advance(2_000)
    await advance(10)
    expect(ends).toHaveLength(2)
    expect(errors.at(-1)).toContain('A run was given up: it never ended; the next one takes its place')
    const { length } = errors
    await advance(991)
    expect(loops.late()).toHaveLength(1)
    ends[0]!()
    await advance(0)
    expect(loops.late()).toHaveLength(1)
    ends[1]!()
    await advance(0)
    expect(loops.late()).toEqual([])
    expect(errors.slice(length).filter((text) => !text.includes('took longer'))).toEqual([])
    const stopped = runner.stop()
    ends.at(-1)!()
    await stopped
  })

  it('goes on after every kind of failure', async () => {
    const failures = [
      () => Promise.reject(new Error('rejected')),
      () => {
        throw new Error('thrown')
      },
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- authors do
      () => Promise.reject('a text'),
      () => Promise.resolve(),
    ]
    const { runner, runs, sample } = build(() => failures.shift()?.() ?? Promise.resolve())
    runner.start()
    await advance(50)
    expect(runs()).toBe(6)
    expect(sample('bgExecuteErrors')).toBe(3)
    expect(errors.map((text) => text.split('failed: ')[1])).toEqual([
      'Error: rejected',
      'Error: thrown',
      'a text',
    ])
    await runner.stop()
  })

  it.each([
    ['between two runs', () => Promise.resolve(), undefined],
    ['within a run that never ends', () => new Promise<void>(() => {}), undefined],
    ['between two runs of ours', () => Promise.resolve(), new WakeSignal()],
  ])('stops %s, and leaves no timer', async (_, run, wake) => {
    const { runner, runs } = build(run, { wake })
    runner.start()
    await advance(3)
    const stopping = runner.stop()
    await advance(10)
    await stopping
    expect(vi.getTimerCount()).toBe(0)
    const before = runs()
    wake?.wake()
    await advance(100)
    expect(runs()).toBe(before)
    expect(errors).toEqual([])
  })
})
