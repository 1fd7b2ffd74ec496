import { describe, expect, it } from 'vitest'
import { mergeExpositions } from '../../../src/service/workers/exposition'

describe('the metrics of several processes', () => {
  it('are one text, each metric in one piece with one head', () => {
    const writer = [
      '# HELP a First',
      '# TYPE a counter',
      'a{process="writer"} 1',
      '',
      '# HELP b Second',
      '# TYPE b histogram',
      'b_bucket{le="1",process="writer"} 1',
      'b_sum{process="writer"} 1',
      '',
    ].join('\n')
    const worker = [
      '# HELP b Second',
      '# TYPE b histogram',
      'b_sum{process="worker-1"} 2',
      '# HELP c Third',
      '# TYPE c gauge',
      '',
    ].join('\n')
    const again = '# HELP a First\n# TYPE a counter\na{process="worker-2"} 3\n'
    expect(mergeExpositions([writer, worker, '', again])).toBe(
      [
        '# HELP a First',
        '# TYPE a counter',
        'a{process="writer"} 1',
        'a{process="worker-2"} 3',
        '',
        '# HELP b Second',
        '# TYPE b histogram',
        'b_bucket{le="1",process="writer"} 1',
        'b_sum{process="writer"} 1',
        'b_sum{process="worker-1"} 2',
        '',
        '# HELP c Third',
        '# TYPE c gauge',
        '',
      ].join('\n'),
    )
  })

  it('are nothing when there are none', () => {
    expect(mergeExpositions([])).toBe('')
  })
})
