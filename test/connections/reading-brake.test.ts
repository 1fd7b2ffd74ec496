import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommonTime, ReadingBrake, type ReadingLimits, readWithin } from '../../src/connections/reading-brake'
import { type LinkListener } from '../../src/connections/link'
import { monotonicMs } from '../../src/util/clock'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const limits: ReadingLimits = { messagesPerSecond: 3, bytesPerSecond: 1_000, busyShare: 0.25, busyBurstMs: 0 }

const brakeOf = (of: Partial<ReadingLimits> = {}, common?: CommonTime) => {
  const log: string[] = []
  const on = {
    pause: (limit: string | undefined) => void log.push(`pause ${limit ?? 'time spent'}`),
    release: () => void log.push('release'),
  }
  const brake = new ReadingBrake({ ...limits, ...of }, on, common)
  return {
    log,
    brake,
    message: (bytes = 1) => brake.spend({ messages: 1, bytes, sinceMs: monotonicMs() }),
    /** A message on which the event loop is for so long. */
    work: (busyMs: number) => {
      const sinceMs = monotonicMs()
      vi.advanceTimersByTime(busyMs)
      brake.spend({ messages: 0, bytes: 0, sinceMs })
    },
  }
}

describe('a connection', () => {
  it('is not read any further once it has sent as many messages as it may in a second', () => {
    const { log, message } = brakeOf()
    for (let n = 0; n < 5; n++) message()
    expect(log).toEqual(['pause messages'])
  })

  it('is read again when that second is over, as often as it takes for what it sent beyond', () => {
    const { log, message } = brakeOf()
    for (let n = 0; n < 7; n++) message()
    vi.advanceTimersByTime(1_999)
    expect(log).toEqual(['pause messages'])
    vi.advanceTimersByTime(1)
    expect(log).toEqual(['pause messages', 'release'])
    message()
    message()
    expect(log.at(-1)).toBe('pause messages')
  })

  it('is left alone below the limit, second after second', () => {
    const { log, message } = brakeOf()
    for (let second = 0; second < 4; second++) {
      message()
      message()
      vi.advanceTimersByTime(1_000)
    }
    expect(log).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is held back by its bytes alone', () => {
    const { log, message } = brakeOf()
    message(2_500)
    vi.advanceTimersByTime(1_999)
    expect(log).toEqual(['pause bytes'])
    vi.advanceTimersByTime(1)
    expect(log.at(-1)).toBe('release')
  })

  it('may take more of our time at once than it may for long', () => {
    const { log, work } = brakeOf({ busyBurstMs: 500 })
    work(400)
    work(100)
    expect(log).toEqual([])
    for (let n = 0; n < 6; n++) work(100)
    expect(log).toContain('pause time spent')
  })

  it('gets its part of our time, and owes what it took beyond', () => {
    const { log, work } = brakeOf()
    work(20)
    expect(log).toEqual([])
    work(80)
    expect(log).toEqual(['pause time spent'])
    vi.advanceTimersByTime(279)
    expect(log).toHaveLength(1)
    vi.advanceTimersByTime(50)
    expect(log).toEqual(['pause time spent', 'release'])
  })

  it('leaves no timer when it ends, and none begins after that', () => {
    const { brake, message, log } = brakeOf({ messagesPerSecond: 1 })
    message()
    brake.stop()
    expect(vi.getTimerCount()).toBe(0)
    message()
    message()
    expect(vi.getTimerCount()).toBe(0)
    expect(log).toEqual(['pause messages'])
  })
})

describe('the connections of one listener', () => {
  it('pause together where the time of all is spent, whoever took it', () => {
    const common = new CommonTime(0.5, 0)
    const [one, other] = [brakeOf({ busyShare: 1 }, common), brakeOf({}, common)]
    one.work(60)
    expect([one.log, other.log]).toEqual([['pause time spent'], ['pause time spent']])
    vi.advanceTimersByTime(100)
    expect([one.log.at(-1), other.log.at(-1)]).toEqual(['release', 'release'])
  })

  it('have their turns: who was released before is behind the others', () => {
    const common = new CommonTime(0.5, 0)
    const turns: string[] = []
    const brakes = ['a', 'b', 'c'].map((name) => {
      const brake: ReadingBrake = new ReadingBrake(
        { ...limits, busyShare: 1 },
        {
          pause: () => {},
          release: () => {
            turns.push(name)
            common.spend(60, monotonicMs())
          },
        },
        common,
      )
      return brake
    })
    common.spend(60, monotonicMs())
    for (let n = 0; turns.length < 6 && n < 100; n++) vi.advanceTimersByTime(100)
    for (const brake of brakes) brake.stop()
    expect(turns).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('do not pause any more for one that has ended', () => {
    const common = new CommonTime(0.5, 0)
    const [one, other] = [brakeOf({ busyShare: 1 }, common), brakeOf({}, common)]
    other.brake.stop()
    one.work(60)
    expect(other.log).toEqual([])
  })
})

describe('reading a link within limits', () => {
  it('pauses and resumes it, tells which limit was reached, and ends with it', () => {
    const log: string[] = []
    let listener: LinkListener | undefined
    const link = {
      listen: (given: LinkListener) => (listener = given),
      pause: () => void log.push('pause'),
      resume: () => void log.push('resume'),
    }
    readWithin(limits, link, {
      message: (data) => void log.push(data.toString()),
      close: ({ code }) => void log.push(`closed ${code}`),
      limited: (limit) => void log.push(limit),
    })
    for (const text of ['a', 'b', 'c']) listener?.message(Buffer.from(text), false)
    vi.advanceTimersByTime(1_000)
    listener?.message(Buffer.alloc(1_000, 'd'), false)
    listener?.close?.({ code: 1006, reason: '' })
    expect(vi.getTimerCount()).toBe(0)
    expect(log.map((line) => line.slice(0, 11))).toEqual([
      ...['a', 'b', 'c', 'pause', 'messages', 'resume', 'ddddddddddd', 'pause', 'bytes', 'closed 1006'],
    ])
  })
})
