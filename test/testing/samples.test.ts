import fc from 'fast-check'
import { Counter, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { parseSamples, sampleValue } from '../../src/testing'

const TEXT = `# HELP a something
# TYPE a counter
a{x="1",y="p"} 3
a{x="2",y="p"} 4
b 0.5
c{x="1"} +Inf
d{x="1"} Nan
`

describe('samples of a scrape', () => {
  it('are found by name and some of their labels', () => {
    const samples = parseSamples(TEXT)
    expect(sampleValue(samples, 'a', { x: '2' })).toBe(4)
    expect(sampleValue(samples, 'b')).toBe(0.5)
    expect(sampleValue(samples, 'c')).toBe(Infinity)
    expect(sampleValue(samples, 'd')).toBeNaN()
    expect(sampleValue(samples, 'a', { x: '3' })).toBeUndefined()
    expect(sampleValue(samples, 'e')).toBeUndefined()
  })

  it('are not guessed at when several fit', () => {
    expect(() => sampleValue(parseSamples(TEXT), 'a', { y: 'p' })).toThrow(
      'a has 2 samples with these labels, name more:\n  {"x":"1","y":"p"} 3\n  {"x":"2","y":"p"} 4',
    )
  })

  it('come back as they were counted, whatever is in a label', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1 }), async (label, value) => {
        const registry = new Registry()
        const counter = new Counter({ name: 'n', help: 'n', labelNames: ['feed'], registers: [registry] })
        counter.inc({ feed: label }, value)
        const samples = parseSamples(await registry.metrics())
        expect(samples).toEqual([{ name: 'n', labels: { feed: label }, value }])
      }),
      {
        examples: [
          ['\u2028', 1],
          ['\\\u2029', 2],
          ['\r\n\\n', 3],
        ],
      },
    )
  })
})
