import { expect, it } from 'vitest'
import { MergedFeeds } from '../../src/feeds/merged-feeds'

const at = (monotonicMs: number) => ({ unixMs: 1_700_000_000_000 + monotonicMs, monotonicMs })

it('remembers a feed, empty at first, until it is forgotten', () => {
  const feeds = new MergedFeeds()
  expect([feeds.has('a'), feeds.get('a')]).toEqual([false, undefined])
  const feed = feeds.take('a', at(0))
  expect(feed).toMatchObject({ key: 'a', values: [], errors: [], written: undefined, isWaitOver: false })
  expect([feeds.has('a'), feeds.get('a'), feeds.size]).toEqual([true, feed, 1])
  feeds.forget('a')
  feeds.forget('a')
  expect([feeds.has('a'), feeds.size]).toEqual([false, 0])
  // What was forgotten expires for nobody who comes after it.
  const again = feeds.take('a', at(0))
  again.expiresAt = 10
  expect(feeds.take('a', at(5))).toBe(again)
})

it('forgets those that have expired, when another one comes', () => {
  const feeds = new MergedFeeds()
  for (const [key, expiresAt] of [
    ['a', 10],
    ['b', 20],
    ['c', 30],
  ] as const)
    feeds.take(key, at(expiresAt))
  feeds.take('d', at(20))
  expect(['a', 'b', 'c', 'd'].map((key) => feeds.has(key))).toEqual([false, false, true, true])
})

it('RS-1: forgets the one that expires first when there are too many', () => {
  const feeds = new MergedFeeds()
  for (let n = 1; n <= 50_000; n++) feeds.take(`feed ${n}`, at(0)).expiresAt = n
  expect([feeds.size, feeds.has('feed 1')]).toEqual([50_000, true])
  feeds.take('one more', at(0)).expiresAt = 99_999
  expect([feeds.size, feeds.has('feed 1'), feeds.has('feed 2')]).toEqual([50_000, false, true])
  feeds.take('one more', at(0))
  expect(feeds.has('feed 2')).toBe(true)
})
