import { describe, expect, it } from 'vitest'
import { assertEqualResponses, TestMetrics } from '../../../src/public/util/testing-utils'
import { recordingAssertions } from './assertions'

const text = String.raw`# HELP asked How often
# TYPE asked counter
asked{app_name="A",app_version="1",feed_id="{\"base\":\"eth\"}",status="200"} 5
asked{feed_id="N/A",status="504",app_name="A",app_version="1"} 2
plain 0
nodejs_version_info{version="v20"} 1
process_cpu_seconds_total 3

late{app_name="A"} -1
`

describe('TestMetrics', () => {
  const metrics = new TestMetrics(text)

  it('finds a metric by its labels in any order, without those of the adapter', () => {
    const t = recordingAssertions()
    expect(metrics.get(t, { name: 'asked', labels: { status: '504', feed_id: 'N/A' } })).toBe(2)
    expect(metrics.get(t, { name: 'plain' })).toBe(0)
    expect(t.calls).toEqual([])
    expect(metrics.map.size).toBe(4)
  })

  it.each([`{'base':'eth'}`, `{"base":"eth"}`, String.raw`{\"base\":\"eth\"}`])(
    'finds a feed id that is written %s, contract 18.5',
    (feed_id) => {
      const t = recordingAssertions()
      expect(metrics.get(t, { name: 'asked', labels: { feed_id, status: '200' } })).toBe(5)
      expect(t.calls).toEqual([])
    },
  )

  it('fails the test for one that is not there, and names what is', () => {
    const t = recordingAssertions()
    expect(metrics.get(t, { name: 'asked', labels: { status: '200' } })).toBeUndefined()
    expect(metrics.get(t, { name: 'process_cpu_seconds_total' })).toBeUndefined()
    expect(t.calls).toEqual([
      [
        'fail',
        `There is no metric asked|status="200" (there are: asked|feed_id="{'base':'eth'}",status="200"; asked|feed_id="N/A",status="504")`,
      ],
      ['fail', 'There is no metric process_cpu_seconds_total| (nothing has this name)'],
    ])
  })

  it('compares', () => {
    const t = recordingAssertions()
    metrics.assert(t, { name: 'plain', expectedValue: 0 })
    metrics.assertPositiveNumber(t, { name: 'plain' })
    metrics.assertPositiveNumber(t, { name: 'late' })
    metrics.assertPositiveNumber(t, { name: 'asked', labels: { feed_id: 'N/A', status: '504' } })
    expect(t.calls).toEqual([
      ['is', 0, 0],
      ['is', false, true],
      ['is', false, true],
      ['is', true, true],
    ])
  })
})

describe('assertEqualResponses', () => {
  const expected = { result: 1, data: { result: 1 }, statusCode: 200 }

  it.each([
    { providerDataRequestedUnixMs: 1, providerDataReceivedUnixMs: 2 },
    { providerDataStreamEstablishedUnixMs: 1, providerDataReceivedUnixMs: 2 },
  ])('wants times that are numbers (%j), and all the rest equal', (timestamps) => {
    const t = recordingAssertions()
    const meta = { adapterName: 'A', transportName: 'b' }
    assertEqualResponses(t, { ...expected, timestamps, meta } as never, expected)
    expect(t.calls).toEqual([
      ['is', 'number', 'number'],
      ['is', 'number', 'number'],
      ['deepEqual', expected, expected],
    ])
  })

  it('finds times that are none, and a difference', () => {
    const t = recordingAssertions()
    assertEqualResponses(t, { ...expected, result: 2 } as never, expected)
    expect(t.calls).toEqual([
      ['is', 'undefined', 'number'],
      ['is', 'undefined', 'number'],
      ['deepEqual', { ...expected, result: 2 }, expected],
    ])
  })
})
