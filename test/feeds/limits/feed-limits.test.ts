import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FeedLimits, type Governed } from '../../../src/feeds/limits/feed-limits'
import { metrics } from '../../../src/metrics/registry'
import { renderMetrics } from '../../../src/metrics/render'
import { parseSamples, sampleValue } from '../../../src/testing/samples'
import { Heartbeats } from '../../../src/util/heartbeats'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { deferredPromise } from '../../../src/util/sleep'
import { eventually } from '../../helpers/eventually'
import { collectLogs, loggerFactory } from '../../redis/redis-support'
import { holdClock, pass } from '../../service/feed-limits-support'

vi.mock('node:fs/promises', async (actual) => {
  const real = await actual<typeof fs>()
  return { ...real, stat: vi.fn(real.stat), readFile: vi.fn(real.readFile) }
})
const { stat, readFile } = vi.mocked(fs)

const ETH = { endpoints: ['price'], feed: 'ETH/USD' }
const A = '{"ETH/USD": {"min": 1}}'
const B = '{"ETH/USD": {"min": 2}}'
const BAD = '{"ETH/USD": {"min": "low"}}'
const WITHDRAWS = '{"ETH/USD": {"withdrawn": "halted"}}'

let directory = ''
let path = ''
const opened: FeedLimits[] = []

beforeEach(() => {
  LoggerFactoryProvider.set(loggerFactory)
  metrics.initialize()
  metrics.get('feedLimitsRejected').reset()
  directory = mkdtempSync(join(tmpdir(), 'feed-limits-test-'))
  path = join(directory, 'limits.json')
  holdClock()
})
afterEach(() => {
  for (const limits of opened.splice(0)) limits.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.clearAllMocks()
  rmSync(directory, { recursive: true, force: true })
})

const write = (text: string) => writeFileSync(path, text)

const open = async (setting = path) => {
  const limits = await FeedLimits.open(setting, 'TEST')
  opened.push(limits)
  return limits
}

const started = async (text: string) => {
  write(text)
  const limits = await open()
  limits.start()
  return limits
}

const look = async (limits: FeedLimits) => {
  await pass(1_000)
  await eventually(() => expect(limits.isLooking).toBe(false))
}

const minOf = (limits: FeedLimits) => limits.limitsFor(ETH)?.min

const governed = (limits: FeedLimits, moved: string[] = []) => {
  const feeds = { apply: vi.fn(() => moved), renew: vi.fn() } satisfies Governed
  return { ...feeds, detach: limits.attach(feeds) }
}

const rejected = async () => sampleValue(parseSamples(await renderMetrics()), 'feed_limits_rejected_total')

describe('limits of feeds', () => {
  it('may have spaces around them, or around their path', async () => {
    write(A)
    const all = [await open(`\n ${A} `), await open(` ${path}\n`)]
    expect(all.map(minOf)).toEqual([1, 1])
    expect(all.map((limits) => limits.status().source)).toEqual(['text', path])
    for (const limits of all) expect(limits.status()).not.toHaveProperty('lastError')
    expect(all.map((limits) => limits.status())).toEqual(
      all.map(() => expect.objectContaining({ rules: 1, readUnixMs: Date.now() }) as object),
    )
  })

  it('that are text cannot change: there is a timer only where they withdraw feeds', async () => {
    const still = await open(A)
    still.start()
    expect([still.withdraws, vi.getTimerCount()]).toEqual([false, 0])
    const withdrawing = await open(WITHDRAWS)
    const feeds = governed(withdrawing)
    withdrawing.start()
    await pass(2_000)
    expect([withdrawing.withdraws, feeds.renew.mock.calls.length]).toEqual([true, 2])
    expect([stat.mock.calls.length, withdrawing.isLooking]).toEqual([0, false])
    expect(feeds.apply).not.toHaveBeenCalled()
  })

  it('are checked by a timer that keeps no process running', async () => {
    vi.useRealTimers()
    const unref = vi.fn()
    const timers = vi.spyOn(globalThis, 'setInterval').mockReturnValue({ unref } as never)
    write(A)
    const limits = await open()
    limits.start()
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([1_000])
    expect(unref).toHaveBeenCalledOnce()
    timers.mockRestore()
    vi.useFakeTimers()
  })

  it('have the errors of withdrawn feeds written by the process that governs them, from that moment on', async () => {
    const limits = await open(WITHDRAWS)
    const feeds = governed(limits)
    expect([limits.isGoverning, feeds.renew.mock.calls.length]).toEqual([false, 0])
    limits.govern()
    expect([limits.isGoverning, feeds.renew.mock.calls.length]).toEqual([true, 1])
  })

  it('concern nobody who is detached, or after they were stopped', async () => {
    const limits = await started(A)
    const [one, other] = [governed(limits), governed(limits)]
    one.detach()
    write(B)
    await look(limits)
    expect([one.apply, other.apply].map(({ mock }) => mock.calls.length)).toEqual([0, 1])
    limits.stop()
    limits.govern()
    expect(other.renew).toHaveBeenCalledTimes(1)
  })
})

describe('limits in a file', () => {
  it('are read again when it has changed, with a new mark, and say which feeds have moved', async () => {
    const limits = await started(A)
    const logs = collectLogs()
    const many = Array.from({ length: 25 }, (_, n) => `price:F${n}`)
    const feeds = governed(limits, many)
    await look(limits)
    expect([minOf(limits), limits.mark, feeds.apply.mock.calls.length]).toEqual([1, 1, 0])
    write(B)
    await look(limits)
    expect([minOf(limits), limits.mark, feeds.apply.mock.calls.length]).toEqual([2, 2, 1])
    expect(limits.status().readUnixMs).toBe(Date.now())
    const fields = { adapter: 'TEST', rules: 1, moved: 25, feeds: many.slice(0, 20) }
    expect(logs).toEqual([{ level: 'info', message: 'Feed limits were read again', fields }])
  })

  it('are not read again while it stays the same, once that is certain', async () => {
    const limits = await started(A)
    await pass(2_000)
    await look(limits)
    readFile.mockClear()
    await look(limits)
    expect(readFile).not.toHaveBeenCalled()
    write(B)
    await look(limits)
    expect(minOf(limits)).toBe(2)
  })

  it('are read again while it is young, because a change in the same tick leaves the same size and times', async () => {
    const limits = await started(A)
    const asItWas = await fs.stat(path, { bigint: true })
    stat.mockResolvedValue(asItWas)
    write(B)
    await look(limits)
    expect(minOf(limits)).toBe(2)
    write(A)
    vi.setSystemTime(Number(asItWas.mtimeMs) + 1_000)
    await look(limits)
    expect(minOf(limits)).toBe(2)
    stat.mockReset()
    stat.mockImplementation((await vi.importActual<typeof fs>('node:fs/promises')).stat)
  })

  it('are looked at once at a time, however long that takes', async () => {
    const limits = await started(A)
    stat.mockClear()
    let answer = (_: unknown): void => {}
    stat.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)) as never)
    await pass(5_000)
    expect([stat.mock.calls.length, limits.isLooking]).toEqual([1, true])
    write(B)
    answer(await fs.stat(path, { bigint: true }))
    await eventually(() => expect(limits.isLooking).toBe(false))
    await look(limits)
    expect(minOf(limits)).toBe(2)
  })

  it('hang in sight: they are named until one has ended', async () => {
    const loops = new Heartbeats()
    write(A)
    const limits = await open()
    limits.start(loops)
    await look(limits)
    expect(loops.late()).toEqual([])
    let answer = (_: unknown): void => {}
    stat.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)) as never)
    await pass(40_000)
    expect(loops.late()).toMatchObject([{ loop: 'looks at the FEED_LIMITS of TEST', withinMs: 30_000 }])
    answer(await fs.stat(path, { bigint: true }))
    await eventually(() => expect(limits.isLooking).toBe(false))
    expect(loops.late()).toEqual([])
    limits.stop()
    expect(loops.size).toBe(0)
  })

  it('that come when they are not needed any more change nothing', async () => {
    for (const answer of [() => fs.stat(path, { bigint: true }), () => Promise.reject(new Error('late'))]) {
      const limits = await started(A)
      const feeds = governed(limits)
      stat.mockRejectedValueOnce(new Error('late'))
      await look(limits)
      const [released, release] = deferredPromise<void>()
      stat.mockImplementationOnce(() => released.then(answer))
      await pass(1_000)
      write(B)
      limits.stop()
      release()
      await eventually(() => expect(limits.isLooking).toBe(false))
      expect([minOf(limits), limits.mark, limits.status().lastError]).toEqual([1, 1, undefined])
      expect(feeds.apply).not.toHaveBeenCalled()
    }
  })

  it('that cannot be used are told at the second check that finds the same, once, and when they are good again', async () => {
    const limits = await started(A)
    const logs = collectLogs()
    write(BAD)
    await look(limits)
    expect([limits.status().lastError, await rejected()]).toEqual([undefined, 0])
    for (let n = 0; n < 3; n++) await look(limits)
    const problem = 'at /ETH~1USD/min: "low" is not allowed, but a number, or null'
    expect([limits.status().lastError, await rejected(), minOf(limits)]).toEqual([problem, 1, 1])
    const message = `Feed limits cannot be used, those before go on: ${problem}`
    expect(logs).toEqual([{ level: 'error', message, fields: { adapter: 'TEST', path } }])
    write(A)
    await look(limits)
    expect([limits.status().lastError, limits.mark]).toEqual([undefined, 2])
    write(BAD)
    await look(limits)
    expect(await rejected()).toBe(1)
    await look(limits)
    expect(await rejected()).toBe(2)
  })

  it('that are wrong in another way at each check are not told, and are read when they are good', async () => {
    const limits = await started(A)
    for (const text of [BAD, '{"ETH', BAD]) {
      write(text)
      await look(limits)
    }
    expect(limits.status().lastError).toBeUndefined()
    write(A)
    await look(limits)
    expect([limits.mark, await rejected()]).toEqual([2, 0])
  })

  it('have all their problems told in one line', async () => {
    const limits = await started(A)
    write('{"ETH/USD": {"min": "low", "max": "high"}}')
    for (let n = 0; n < 2; n++) await look(limits)
    expect(limits.status().lastError).toMatch(/^at \/ETH~1USD\/min: .*; at \/ETH~1USD\/max: /)
  })

  it('are in a file, and not in a directory or in what is too large', async () => {
    const whyNot = async (setting: string) => (await open(setting).catch((error: unknown) => error)) as Error
    expect(await whyNot(directory)).toMatchObject({
      message: expect.stringContaining(`FEED_LIMITS: ${directory} is no file`) as string,
    })
    write(A.padEnd(1_048_577))
    expect((await whyNot(path)).message).toContain(`FEED_LIMITS: ${path} has more than 1048576 bytes`)
    write(A.padEnd(1_048_576))
    expect(minOf(await open())).toBe(1)
  })

  it('that are wrong at the start are named with their file, and those in the setting without one', async () => {
    write(BAD)
    const problem = 'at /ETH~1USD/min: "low"'
    await expect(open()).rejects.toThrow(`FEED_LIMITS: ${path}: ${problem}`)
    await expect(open(BAD)).rejects.toThrow(`FEED_LIMITS: ${problem}`)
    await expect(open(join(directory, 'none'))).rejects.toThrow('FEED_LIMITS: ENOENT')
  })
})
