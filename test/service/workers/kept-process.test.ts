import { type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { type ChildMessage, type SupervisorMessage } from '../../../src/service/workers/control'
import { KeptProcess } from '../../../src/service/workers/kept-process'

/** A process that does what a test says. */
class FakeChild extends EventEmitter {
  readonly told: SupervisorMessage[] = []
  connected = true
  wasKilled = false

  constructor(readonly pid: number | undefined) {
    super()
  }

  send(message: SupervisorMessage): void {
    this.told.push(message)
  }

  say(message: ChildMessage): void {
    this.emit('message', message)
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.connected = false
    this.emit('exit', code, signal)
  }

  kill(): void {
    this.wasKilled = true
    this.end(null, 'SIGKILL')
  }
}

const setUp = () => {
  const children: FakeChild[] = []
  const events = { ready: vi.fn(), failed: vi.fn(), silent: vi.fn(), changed: vi.fn() }
  const fork = () => {
    const child = new FakeChild(100 + children.length)
    children.push(child)
    return child as unknown as ChildProcess
  }
  const kept = new KeptProcess('worker-1', fork, events, SILENCE_MS)
  kept.start()
  return { kept, children, events, current: () => children.at(-1)! }
}

const SILENCE_MS = 5_000

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  LoggerFactoryProvider.set()
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a process that is kept', () => {
  it.each<[string, (child: FakeChild) => void]>([
    ['is killed', (child) => child.end(null, 'SIGKILL')],
    ['fails', (child) => child.end(1)],
    ['ends well, which nobody asked it to', (child) => child.end(0)],
  ])('is started again when it %s', async (_name, die) => {
    const { children, current, kept } = setUp()
    current().say({ type: 'ready', adapters: [] })
    expect(kept.isReady).toBe(true)
    die(current())
    expect(kept.isReady).toBe(false)
    await pass(200)
    expect(children).toHaveLength(2)
    expect(kept.restartCount).toBe(1)
  })

  it('makes no storm of restarts when it dies at once again and again', async () => {
    const { children, current } = setUp()
    for (let second = 0; second < 600; second++) {
      if (current().connected) current().end(1)
      await pass(1_000)
    }
    expect(children.length).toBeGreaterThan(20)
    expect(children.length).toBeLessThan(60)
  })

  it('is started again when it never came to be', async () => {
    const children: FakeChild[] = []
    const fork = () => {
      const child = new FakeChild(children.length === 0 ? undefined : 1)
      children.push(child)
      return child as unknown as ChildProcess
    }
    new KeptProcess('writer', fork, { ready: () => {}, failed: () => {} }, SILENCE_MS).start()
    children[0]!.emit('error', new Error('spawn EAGAIN'))
    await pass(200)
    expect(children).toHaveLength(2)
  })

  it('LC-2: is ended when it says that it cannot start, and said so once', async () => {
    const { current, events, children } = setUp()
    const child = current()
    child.say({ type: 'failed', message: 'EADDRINUSE' })
    expect(events.failed).toHaveBeenCalledExactlyOnceWith('EADDRINUSE')
    expect(child.wasKilled).toBe(true)
    await pass(200)
    expect(children).toHaveLength(2)
  })

  it('LC-1: is ended and started again when it falls silent, not while it beats', async () => {
    const { current, children } = setUp()
    const child = current()
    child.say({ type: 'ready', adapters: [] })
    for (let second = 0; second < 60; second++) {
      await pass(1_000)
      child.say({ type: 'beat' })
    }
    expect(child.wasKilled).toBe(false)
    await pass(SILENCE_MS)
    expect(child.wasKilled).toBe(true)
    await pass(200)
    expect(children).toHaveLength(2)
  })

  it('LC-1: is said to be silent before it is ended, and not any more when it answers', async () => {
    const { current, kept, events } = setUp()
    const child = current()
    child.say({ type: 'ready', adapters: [] })
    await pass(2_499)
    expect(kept.silent).toBeUndefined()
    await pass(1)
    expect(kept.silent).toEqual({ process: 'worker-1', sinceUnixMs: Date.now() - 2_500, withinMs: 2_500 })
    child.say({ type: 'beat' })
    expect(kept.silent).toBeUndefined()
    await pass(4_500)
    expect(kept.silent).toBeDefined()
    expect([child.wasKilled, kept.silenceCount]).toEqual([false, 0])
    await pass(500)
    expect([child.wasKilled, kept.silenceCount, kept.silent]).toEqual([true, 1, undefined])
    expect(events.silent).toHaveBeenCalledTimes(4)
  })

  it('LC-1: is not ended for a silence that was ours, however long: we look once, and hear what has come meanwhile', async () => {
    const { current } = setUp()
    const child = current()
    child.say({ type: 'ready', adapters: [] })
    for (let time = 0; time < 10; time++) {
      await pass(4_500)
      // The clocks of a machine that was suspended, or of a process that was stopped, are far ahead.
      vi.setSystemTime(Date.now() + 3_600_000)
      child.say({ type: 'beat' })
    }
    expect(child.wasKilled).toBe(false)
  })

  it('LC-1: is ended when it never begins to beat', async () => {
    const { current } = setUp()
    const child = current()
    await pass(59_999)
    expect(child.wasKilled).toBe(false)
    await pass(1)
    expect(child.wasKilled).toBe(true)
  })

  it('is not touched by what its predecessor still says', async () => {
    const { children, events, kept } = setUp()
    children[0]!.end(1)
    await pass(200)
    children[0]!.say({ type: 'ready', adapters: [] })
    children[0]!.emit('exit', 1, null)
    expect(events.ready).not.toHaveBeenCalled()
    expect(kept.restartCount).toBe(1)
  })
})

describe('the metrics of a process', () => {
  it('are what it answers', async () => {
    const { kept, current } = setUp()
    current().say({ type: 'ready', adapters: [] })
    const [first, second] = [kept.metrics(1_000), kept.metrics(1_000)]
    current().say({ type: 'metrics', id: 1, text: 'b 2' })
    current().say({ type: 'metrics', id: 0, text: 'a 1' })
    expect(await Promise.all([first, second])).toEqual(['a 1', 'b 2'])
    expect(current().told).toEqual([
      { type: 'metrics', id: 0 },
      { type: 'metrics', id: 1 },
    ])
  })

  it('come in parts, so that no message is so long that it holds up others', async () => {
    const { kept, current } = setUp()
    current().say({ type: 'ready', adapters: [] })
    const asked = kept.metrics(1_000)
    for (const text of ['a 1\n', 'b 2\n']) current().say({ type: 'metrics', id: 0, text, more: true })
    current().say({ type: 'metrics', id: 7, text: 'of nobody', more: true })
    current().say({ type: 'metrics', id: 0, text: 'c 3\n' })
    expect(await asked).toBe('a 1\nb 2\nc 3\n')
  })

  it('are none when it has not started, answers too late, or dies meanwhile', async () => {
    const { kept, current } = setUp()
    expect(await kept.metrics(1_000)).toBeUndefined()
    current().say({ type: 'ready', adapters: [] })
    const late = kept.metrics(1_000)
    await pass(1_000)
    expect(await late).toBeUndefined()
    const cut = kept.metrics(1_000)
    current().end(1)
    expect(await cut).toBeUndefined()
  })
})

describe('stopping a process', () => {
  it('LC-3: asks it, and waits for its end; no other takes its place', async () => {
    const { kept, current, children } = setUp()
    const stopped = vi.fn()
    void kept.stop(5_000).then(stopped)
    await pass(4_000)
    expect(current().told).toEqual([{ type: 'stop' }])
    expect(stopped).not.toHaveBeenCalled()
    current().end(0)
    await pass(60_000)
    expect(stopped).toHaveBeenCalled()
    expect(children).toHaveLength(1)
    expect(current().wasKilled).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('LC-3: ends it when it does not', async () => {
    const { kept, current } = setUp()
    const stopped = kept.stop(5_000)
    await pass(4_999)
    expect(current().wasKilled).toBe(false)
    await pass(1)
    await stopped
    expect(current().wasKilled).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('LC-3: is done at once between two lives, and before the first', async () => {
    const { kept, current, children } = setUp()
    current().end(1)
    await kept.stop(5_000)
    await pass(60_000)
    expect(children).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
    await new KeptProcess(
      'writer',
      () => expect.unreachable(),
      { ready: () => {}, failed: () => {} },
      SILENCE_MS,
    ).stop(5_000)
  })
})
