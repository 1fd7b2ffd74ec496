import * as client from 'prom-client'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LabelSet } from '../../src/metrics/label-set'
import { SeriesCounter, SeriesGauge } from '../../src/metrics/many-series'
import { metrics, setupMetrics } from '../../src/metrics/registry'
import { renderedMetrics, renderMetrics } from '../../src/metrics/render'

beforeEach(() => client.register.clear())
afterEach(() => {
  metrics.clear()
})

const NAMES = ['feed_id', 'participant_id', 'app_name'] as const
const labels = fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(fc.string(), fc.integer()), {
  noNullPrototype: true,
})
const samples = fc.uniqueArray(fc.tuple(labels, fc.double({ min: 0 })), {
  selector: ([of]) => JSON.stringify(Object.entries(of).sort()),
})

it('samples whose labels are text already read as those that prom-client writes', async () => {
  await fc.assert(
    fc.asyncProperty(samples, async (of) => {
      client.register.clear()
      setupMetrics('HOST', { process: 'a "quoted"\n\\ name' })
      const gauge = new SeriesGauge({ name: 'feeds', help: 'Feeds', labelNames: NAMES })
      for (const [one, value] of of) gauge.set(one, value)
      const theirs = await client.register.getSingleMetricAsString('feeds')
      expect(await renderMetrics()).toContain(`${theirs}\n`)
      gauge.reset()
      for (const [one, value] of of) gauge.put(new LabelSet(one), value)
      expect(await renderMetrics()).toContain(`${theirs}\n`)
      for (const [one, value] of of) gauge.put(new LabelSet(one), value)
      expect(await client.register.getSingleMetricAsString('feeds')).toBe(theirs)
    }),
    { numRuns: 50 },
  )
})

it('a counter adds up samples with the same labels, beside what is counted directly', async () => {
  const counter = new SeriesCounter({ name: 'requests', help: 'Requests', labelNames: NAMES })
  counter.inc({ feed_id: 'direct' }, 4)
  for (const count of [2, 3]) counter.add(new LabelSet({ feed_id: 'eth' }), count)
  const lines = (await renderMetrics()).split('\n').filter((line) => line.startsWith('requests'))
  expect(lines).toEqual(['requests{feed_id="direct"} 4', 'requests{feed_id="eth"} 5'])
  expect((await counter.get()).values).toEqual([{ labels: { feed_id: 'direct' }, value: 4 }])
})

it('labels are written anew when the default labels change', () => {
  const set = new LabelSet({ feed_id: 'eth' })
  setupMetrics('ONE')
  expect(set.line).toContain('feed_id="eth",app_name="ONE"')
  setupMetrics('TWO')
  expect(set.line).toContain('feed_id="eth",app_name="TWO"')
})

it('OB-5: one scrape goes on at a time, and all who ask meanwhile get it', async () => {
  metrics.initialize()
  let collections = 0
  const stop = metrics.publish('feedLimitsRejected', () => void collections++)
  const all = await Promise.all([renderedMetrics(), renderedMetrics(), renderMetrics()])
  expect(collections).toBe(1)
  expect(all[1]).toBe(all[0])
  expect(all[2]).toBe(String(Buffer.concat(all[0])))
  await renderMetrics()
  expect(collections).toBe(2)
  stop()
})
