import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Patience } from '../../src/feeds/patience'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const patience = (lastsMs: number) => {
  const over: string[] = []
  return { over, patience: new Patience(lastsMs, (key) => over.push(key)) }
}

it('lasts from when a feed is first asked for, less what has gone by already', () => {
  const { over, patience: one } = patience(1_000)
  expect(one.begin('a')).toBe(true)
  vi.advanceTimersByTime(600)
  expect(one.begin('a')).toBe(true)
  expect(one.begin('b', 800)).toBe(true)
  vi.advanceTimersByTime(200)
  expect(over).toEqual(['b'])
  vi.advanceTimersByTime(200)
  expect(over).toEqual(['b', 'a'])
  // The second time nothing began anew.
  expect(vi.getTimerCount()).toBe(0)
})

it('has none where nothing waits, or all of it has gone by', () => {
  expect(patience(0).patience.begin('a')).toBe(false)
  expect(patience(NaN).patience.begin('a')).toBe(false)
  expect(patience(1_000).patience.begin('a', 1_000)).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
})

it('ends with the first value, and with the service, without a word', () => {
  const { over, patience: one } = patience(1_000)
  for (const key of ['a', 'b', 'c']) one.begin(key)
  one.end('a')
  one.end('unknown')
  one.stop()
  expect(vi.getTimerCount()).toBe(0)
  expect(one.begin('d')).toBe(false)
  vi.advanceTimersByTime(2_000)
  expect(over).toEqual([])
})

it('RS-1: is had with so many feeds, and no more', () => {
  const { patience: one } = patience(1_000)
  for (let n = 0; n < 50_000; n++) expect(one.begin(`feed ${n}`)).toBe(true)
  expect(one.begin('one more')).toBe(false)
  one.stop()
})

it('is had with fake clocks, too, whose timers are plain numbers', () => {
  vi.spyOn(globalThis, 'setTimeout').mockReturnValueOnce(5 as never)
  const { patience: one } = patience(1_000)
  expect(one.begin('a')).toBe(true)
  one.stop()
})
