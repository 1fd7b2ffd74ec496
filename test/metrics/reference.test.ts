import { afterEach, expect, it } from 'vitest'
import { renderMetricsReference } from '../../scripts/metrics-reference'
import { metrics } from '../../src/metrics/registry'
import { read } from '../helpers/repository'

afterEach(() => {
  metrics.clear()
})

it('docs/metrics.md is what the definitions say (else: npm run metrics-reference)', () => {
  expect(read('docs/metrics.md')).toBe(renderMetricsReference())
})
