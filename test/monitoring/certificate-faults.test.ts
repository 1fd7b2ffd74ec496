import { afterEach, it, onTestFinished } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'
import { serve } from '../../src/testing/serve'
import { selfSigned } from '../http/certificate'
import { stillAdapter } from '../http/support'
import { describeWithPromtool, expectAlerts } from './promtool'
import { Watch } from './watch'

afterEach(() => metrics.clear())

const DAY_MS = 86_400_000

/** As certificates have times: `261201000000Z`. */
const timeText = (unixMs: number): string =>
  `${new Date(unixMs).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`

describeWithPromtool('alerts of certificates', () => {
  it.each([
    [13, ['TickwellCertificateEnds']],
    [15, []],
  ])('that end in %d days are %j', async (days, firing) => {
    const { key, cert } = selfSigned(undefined, [
      timeText(Date.now() - DAY_MS),
      timeText(Date.now() + days * DAY_MS),
    ])
    const service = await serve(() => stillAdapter().adapter, {
      env: { TLS_ENABLED: 'true', TLS_PRIVATE_KEY: key, TLS_PUBLIC_KEY: cert, TLS_CA: cert },
      listen: true,
    })
    onTestFinished(() => service.stop())
    const watch = new Watch(renderMetrics)
    await expectAlerts(watch, [{ at: await watch.stay(1), firing }])
  })
})
