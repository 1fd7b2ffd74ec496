import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FloodBrake } from '../flood-brake'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const brake = (maxPerSecond: number) => {
  const log: string[] = []
  const link = { pause: () => void log.push('pause'), resume: () => void log.push('resume') }
  return { log, flood: new FloodBrake(link, maxPerSecond, () => log.push('flood')) }
}

describe('a connection that sends a flood', () => {
  it('is not read any further until the second is over', () => {
    const { log, flood } = brake(3)
    for (let n = 0; n < 5; n++) flood.count()
    expect(log).toEqual(['pause', 'flood'])
    vi.advanceTimersByTime(999)
    expect(log).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect(log).toEqual(['pause', 'flood', 'resume'])
  })

  it('is left alone below the limit, second after second', () => {
    const { log, flood } = brake(3)
    for (let second = 0; second < 4; second++) {
      flood.count()
      flood.count()
      vi.advanceTimersByTime(1_000)
    }
    expect(log).toEqual([])
  })

  it('leaves no timer when it ends', () => {
    const { flood } = brake(1)
    flood.count()
    flood.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
