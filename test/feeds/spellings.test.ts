import { beforeEach, expect, it } from 'vitest'
import { Spellings } from '../../src/feeds/spellings'
import { Feed } from '../../src/feeds/feed'
import { Witness } from '../../src/util/our-time'
import { LoggerFactoryProvider } from '../../src/util/logging'

beforeEach(() => void LoggerFactoryProvider.set())

const made = () => new Feed('key', 'id', 'price', undefined, new Witness(), 'USDE/USD')

it('each spelling of a feed is remembered once, however often clients use it, and no more than eight of them', () => {
  const [spellings, feed] = [new Spellings({}), made()]
  for (let time = 0; time < 3; time++)
    for (const base of ['usde', 'USDe', 'USDE']) spellings.note(feed, { base })
  expect(feed.askedAs).toEqual({ base: 'usde' })
  expect(feed.otherSpellings).toEqual([{ base: 'USDe' }, { base: 'USDE' }])
  for (const base of ['uSDE', 'UsDE', 'usDE', 'usdE', 'USde', 'uSde', 'UsDe']) spellings.note(feed, { base })
  expect(feed.otherSpellings).toHaveLength(7)
})
