import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RulesReader } from '../../src/feeds/limits/rules'
import { limitsByPatternSchema, limitsSchema } from '../../src/feeds/limits/schema'
import { Type } from '@sinclair/typebox'
import { serve } from '../../src/testing/serve'
import { read } from '../helpers/repository'
import { stillAdapter } from '../http/support'
import { changed, holdClock, LimitsFile } from './feed-limits-support'

const page = read('docs/limits.md')
const [, example = ''] = /```json\n([^]*?)```/.exec(page) ?? []

beforeEach(holdClock)
afterEach(() => void vi.useRealTimers())

describe('docs/limits.md', () => {
  it('has an example that withdraws a feed of Kraken, and limits others, as the page says', async () => {
    using file = new LimitsFile()
    const { adapter, transport } = stillAdapter({ adapter: { name: 'KRAKEN' } })
    const env = { CACHE_POLLING_MAX_RETRIES: '0', FEED_LIMITS: file.path }
    await using service = await serve(adapter, { env })
    const pairs = [
      { base: 'BTC', quote: 'USD' },
      { base: 'ETH', quote: 'USD' },
      { base: 'ETH', quote: 'EUR' },
    ]
    for (const pair of pairs) await transport.put(pair, 1_000)
    await changed(() => file.write(example), adapter)
    const [btc, eth, eur] = pairs as [(typeof pairs)[0], (typeof pairs)[0], (typeof pairs)[0]]
    for (const pair of pairs) await transport.put(pair, 1_100)
    for (const value of [99, 100_001]) await transport.put(eth, value)
    const answers = await Promise.all([btc, eth, eur].map((pair) => service.post(pair)))
    expect(
      answers.map(({ statusCode, json }) => [statusCode, (json.result ?? json.errorMessage) as unknown]),
    ).toEqual([
      [502, 'The feed is withdrawn: venue halted, incident 42'],
      [200, 1_100],
      [200, 1_100],
    ])
    for (const text of ['The feed is withdrawn: venue halted, incident 42', 'Feed limits were read again'])
      expect(page).toContain(text)
    await changed(() => file.write('{}'), adapter)
    await transport.put(btc, 1_200)
    expect((await service.post(btc)).json.result).toBe(1_200)
  })

  it('has every limit that there is', () => {
    const listed = [...page.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    )
    expect(listed).toEqual(Object.keys(limitsSchema(Type).properties))
    expect(limitsByPatternSchema(Type).type).toBe('object')
    expect(new RulesReader().read(example).size).toBe(3)
  })
})
