import { expect, it } from 'vitest'
import { PollingStats } from '../../src/adapter/polling-stats'
import { metrics } from '../../src/metrics/registry'

const exposed = async () => {
  const { values } = await metrics.get('transportPollingDurationSeconds').get()
  return values.map(({ labels, value }) => [labels['adapter_endpoint'], labels['succeeded'], value])
}

it('shows how long requests of an endpoint waited last, with success and without, until it is stopped', async () => {
  metrics.initialize()
  const stats = new PollingStats('TEST')
  expect(await exposed()).toEqual([])
  stats.waited('price', true, 0.5)
  stats.waited('price', true, 0.25)
  stats.waited('price', false, 3)
  stats.waited('volume', false, 4)
  expect(await exposed()).toEqual([
    ['price', 'true', 0.25],
    ['price', 'false', 3],
    ['volume', 'false', 4],
  ])
  stats.stop()
  expect(await exposed()).toEqual([])
})
