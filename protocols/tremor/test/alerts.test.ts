import { afterEach, expect, it } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { renderMetrics } from '../../../src/metrics/render'
import { serve } from '../../../src/testing'
import { wsProvider } from '../../../src/testing/ws-provider'
import { eventually } from '../../../test/helpers/eventually'
import { describeWithPromtool, expectAlerts } from '../../../test/monitoring/promtool'
import { Watch } from '../../../test/monitoring/watch'
import { createAdapter } from '../adapters/tremor'

afterEach(() => metrics.clear())

describeWithPromtool('alerts of a connector', () => {
  it('tell that it has lost its connection', async () => {
    await using server = await wsProvider()
    await using service = await serve(createAdapter, { env: { TREMOR_URL: server.url } })
    const canSend = (is: number) =>
      eventually(async () => expect(await service.metric('transport_circuit_open')).toBe(is))
    const watch = new Watch(renderMetrics)
    await canSend(1)
    const healthy = await watch.stay(3)
    await server.stop()
    await canSend(0)
    const lost = await watch.stay(3)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: lost, firing: ['TickwellConnectorDown'] },
    ])
  })
})
