import fc from 'fast-check'
import * as client from 'prom-client'
import { describe, expect, it, vi } from 'vitest'
import { FastHistogram } from '../../src/metrics/fast-histogram'
import { setupMetrics } from '../../src/metrics/registry'

const BUCKETS = [0.005, 0.01, 0.1, 1, 10]

/** One of each kind with the same name, in registries of their own. */
const pair = () => {
  const registers = [new client.Registry(), new client.Registry()] as const
  const config = { name: 'duration', help: 'Duration', buckets: BUCKETS }
  return {
    fast: new FastHistogram({ ...config, registers: [registers[0]] }),
    plain: new client.Histogram({ ...config, registers: [registers[1]] }),
    texts: () => Promise.all(registers.map((register) => register.metrics())),
    json: () => Promise.all(registers.map((register) => register.getMetricsAsJSON())),
  }
}

type Step = number | 'scrape' | 'reset' | 'zero' | 'remove' | { child: number } | { labelled: number }

const value = fc.oneof(fc.constantFrom(...BUCKETS), fc.double({ min: -1, max: 20, noNaN: true }))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: value },
  fc.constantFrom('scrape' as const, 'reset' as const, 'zero' as const, 'remove' as const),
  fc.record({ child: value }),
  fc.record({ labelled: value }),
)

const apply = (histogram: client.Histogram, command: Step): void => {
  if (typeof command === 'number') histogram.observe(command)
  else if (command === 'reset') histogram.reset()
  else if (command === 'zero') histogram.zero({})
  else if (command === 'remove') histogram.remove({})
  else if (typeof command === 'object' && 'child' in command) histogram.labels({}).observe(command.child)
  else if (typeof command === 'object') histogram.observe({}, command.labelled)
}

describe('FastHistogram', () => {
  it('exposes what a prom-client histogram exposes, to the last digit, after any use', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { fast, plain, texts, json } = pair()
        for (const command of [...steps, 'scrape' as const]) {
          apply(fast, command)
          apply(plain, command)
          if (command !== 'scrape') continue
          const [fastText, plainText] = await texts()
          expect(fastText).toBe(plainText)
        }
        const [fastJson, plainJson] = await json()
        expect(fastJson).toEqual(plainJson)
      }),
    )
  })

  it('shows empty buckets before the first observation', async () => {
    const { texts } = pair()
    const [fast, plain] = await texts()
    expect(fast).toBe(plain)
    expect(fast).toContain('duration_bucket{le="+Inf"} 0')
  })

  it('measures with a timer', async () => {
    const { fast } = pair()
    const seconds = fast.startTimer()()
    expect(seconds).toBeGreaterThanOrEqual(0)
    const { values } = await fast.get()
    expect(values.find(({ metricName }) => metricName === 'duration_count')?.value).toBe(1)
  })

  it('refuses what prom-client refuses', () => {
    const { fast, plain } = pair()
    for (const histogram of [fast, plain]) {
      expect(() => histogram.observe(NaN)).toThrow('Value is not a valid number')
      expect(() => histogram.observe(Infinity)).toThrow('Value is not a valid number: Infinity')
      expect(() => histogram.observe({ no: 'such' }, 1)).toThrow('Added label "no" is not included')
    }
  })

  it('does not go through the labels of prom-client for a plain observation', () => {
    const { fast } = pair()
    const slow = vi.spyOn(
      client.Histogram.prototype as unknown as { observeWithoutExemplar(): void },
      'observeWithoutExemplar',
    )
    fast.observe(0.5)
    expect(slow).not.toHaveBeenCalled()
    slow.mockRestore()
  })

  it('shows for each adapter what a prom-client histogram with that label shows', async () => {
    const seen = fc.tuple(fc.constantFrom('ONE', 'TWO'), fc.oneof(value, fc.constant('scrape' as const)))
    await fc.assert(
      fc.asyncProperty(fc.array(seen, { maxLength: 40 }), async (steps) => {
        const [mine, theirs] = [new client.Registry(), new client.Registry()]
        const config = { name: 'duration', help: 'Duration', buckets: BUCKETS }
        const fast = new FastHistogram({ ...config, registers: [mine] })
        const plain = new client.Histogram({ ...config, labelNames: ['app_name'], registers: [theirs] })
        for (const app_name of ['ONE', 'TWO']) {
          fast.begin(app_name)
          plain.zero({ app_name })
        }
        for (const [app_name, what] of [...steps, ['ONE', 'scrape'] as const]) {
          if (what === 'scrape') expect(await mine.metrics()).toBe(await theirs.metrics())
          else {
            fast.of(app_name).observe(what)
            plain.observe({ app_name }, what)
          }
        }
      }),
    )
  })

  it('has one series for what is observed without a name and under the name that is the default', async () => {
    client.register.clear()
    setupMetrics('HOST')
    const fast = new FastHistogram({ name: 'duration', help: 'Duration', buckets: BUCKETS })
    fast.of('HOST').observe(0.5)
    fast.of('GUEST').observe(2)
    fast.observe(0.5)
    const lines = (await client.register.metrics()).split('\n')
    const counts = lines.filter((line) => line.startsWith('duration_count'))
    expect(counts.map((line) => line.replace(/app_version="[^"]*",/, ''))).toEqual([
      'duration_count{app_name="HOST"} 2',
      'duration_count{app_name="GUEST"} 1',
    ])
    client.register.clear()
  })
})
