import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { type Adapter } from '../../src/adapter/adapter'
import { type LimitsStatus } from '../../src/feeds/limits/limits-status'
import { statusOf } from '../../src/http/status'
import { eventually } from '../helpers/eventually'

export const WITHDRAWN = { withdrawn: 'venue halted, incident 42' }
export const SAYS = 'The feed is withdrawn: venue halted, incident 42'

/** From here on the test moves the clock; sockets and files go on by themselves. */
export const holdClock = (): void =>
  void vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    shouldClearNativeTimers: true,
  })

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** A file with limits, that is gone after the test. */
export class LimitsFile implements Disposable {
  private readonly directory = mkdtempSync(join(tmpdir(), 'feed-limits-test-'))
  readonly path = join(this.directory, 'limits.json')

  constructor(limits: object = {}) {
    this.write(limits)
  }

  write(limits: object | string): void {
    writeFileSync(this.path, typeof limits === 'string' ? limits : JSON.stringify(limits))
  }

  /** As editors do it: another file in its place. */
  replace(limits: object): void {
    const other = `${this.path}.new`
    writeFileSync(other, JSON.stringify(limits))
    renameSync(other, this.path)
  }

  remove(): void {
    rmSync(this.path)
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export const limitsOf = (adapter: Adapter): LimitsStatus => statusOf(adapter).feedLimits!

const notLooking = (adapters: readonly Adapter[]): Promise<void> =>
  eventually(() => {
    for (const { dependencies } of adapters) expect(dependencies.feedLimits!.isLooking).toBe(false)
  })

/** Moves the held clock to the next look at the file, and waits for what that comes to. */
export const look = async (...adapters: Adapter[]): Promise<void> => {
  // There is no other look while one is under way, which began too early.
  await notLooking(adapters)
  await pass(1_000)
  await notLooking(adapters)
}

/** Changes the file, and has it looked at. */
export const changed = async (change: () => void, ...adapters: Adapter[]): Promise<void> => {
  await notLooking(adapters)
  const marks = adapters.map(({ dependencies }) => dependencies.feedLimits!.mark)
  change()
  await look(...adapters)
  expect(adapters.map(({ dependencies }) => dependencies.feedLimits!.mark)).toEqual(
    marks.map((mark) => mark + 1),
  )
}
