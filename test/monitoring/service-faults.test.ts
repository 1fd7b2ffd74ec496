import { it } from 'vitest'
import { startService } from '../../src/service/single'
import { withEnv } from '../../src/testing/env'
import { simulatedExchange } from '../../src/testing/simulated-exchange'
import { describeWithPromtool, expectAlerts } from './promtool'
import { ended, ETH, runsOnHeldClock } from './run'
import { TARGET, Watch } from './watch'

runsOnHeldClock()

const COINBASE = { ...TARGET, app_name: 'COINBASE' }

const DOGE = { base: 'DOGE', quote: 'USD' }

/** The service with the adapter `coinbase`, scraped over HTTP. */
const start = async () => {
  const exchange = await simulatedExchange({ tradeIntervalMs: 5_000 })
  const env = withEnv({
    ADAPTERS: 'coinbase',
    COINBASE_WS_API_ENDPOINT: exchange.url,
    METRICS_PORT: '0',
    CACHE_POLLING_MAX_RETRIES: '0',
  })
  const service = await startService()
  const text = async (url: string, init?: RequestInit) => (await fetch(url, init)).text()
  const headers = { 'content-type': 'application/json' }
  const ask = async (...feeds: object[]) => {
    for (const data of feeds)
      await text(`${service.url}/coinbase`, { method: 'POST', headers, body: JSON.stringify({ data }) })
  }
  const end = async () => {
    await ended(service.stop())
    env.restore()
    await exchange.stop()
  }
  const watch = new Watch(() => text(`${service.metricsUrl}/metrics`))
  return { exchange, watch, ask, stop: () => ended(service.stop()), [Symbol.asyncDispose]: end }
}

describeWithPromtool('alerts of the service', () => {
  it('tell of a provider that dies, first by its connection and then by its feeds, of one feed that is missing, and of the end of the service', async () => {
    await using one = await start()
    const { exchange, watch, ask } = one
    const healthy = await watch.goOn(6, () => ask(ETH))
    exchange.provider.refuse()
    exchange.fault('close')
    const first = await watch.goOn(0.5, () => ask(ETH))
    const lasting = await watch.goOn(5, () => ask(ETH))
    exchange.provider.accept()
    const back = await watch.goOn(6, () => ask(ETH))
    const missing = await watch.goOn(3, () => ask(ETH, DOGE))
    const nobodyAsks = await watch.goOn(5, () => ask(ETH))
    await one.stop()
    const gone = await watch.goOn(2)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: first, firing: ['TickwellConnectionDown'] },
      {
        at: lasting,
        firing: ['TickwellConnectionDown', 'TickwellAdapterDown', 'TickwellFeedsDown', 'TickwellAnswersFail'],
      },
      { at: back, firing: [] },
      {
        at: missing,
        firing: ['TickwellFeedsDown', 'TickwellAnswersFail'],
        says: {
          TickwellFeedsDown: {
            labels: { ...COINBASE, adapter_endpoint: 'price', severity: 'warning' },
            summary: 'COINBASE on here:9080: 1 of the feeds of price have no price',
          },
          TickwellAnswersFail: {
            labels: { ...COINBASE, severity: 'warning' },
            summary: 'COINBASE on here:9080: 50% of the answers are errors',
          },
        },
      },
      { at: nobodyAsks, firing: [] },
      {
        at: gone,
        firing: ['TickwellNotScraped'],
        says: {
          TickwellNotScraped: {
            labels: { ...TARGET, severity: 'critical' },
            summary: 'Prometheus gets no metrics of here:9080',
          },
        },
      },
    ])
  })
})
