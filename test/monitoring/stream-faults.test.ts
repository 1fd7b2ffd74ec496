import { it } from 'vitest'
import { type Adapter } from '../../src/adapter/adapter'
import { type GuardOptions } from '../../src/feeds/guards'
import { wsProvider } from '../../src/testing/ws-provider'
import { stillAdapter, StillTransport } from '../http/support'
import { makeAcme } from '../testing/acme'
import { describeWithPromtool, expectAlerts } from './promtool'
import { BTC, ETH, runsOnHeldClock, watched } from './run'

runsOnHeldClock()

describeWithPromtool('alerts of a stream', () => {
  it('tell of connections that are lost again and again', async () => {
    await using provider = await wsProvider()
    provider.onMessage((_, connection) => connection.send({ s: 'ETH/USD', p: 1800 }))
    const make = () => makeAcme() as unknown as Adapter
    await using one = await watched(make, { WS_API_ENDPOINT: provider.url })
    const { watch, ask } = one
    const healthy = await watch.goOn(2, () => ask(ETH))
    const lost = await watch.goOn(3, () => {
      for (const connection of provider.connections) connection.close(1012)
      return ask(ETH)
    })
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: lost, firing: ['TickwellConnectionFlaps'] },
    ])
  })
})

describeWithPromtool('alerts of values', () => {
  const start = async (guards: GuardOptions, env: Record<string, string> = {}) => {
    const transport = new StillTransport()
    const endpoint = { guards: { onlyWanted: false, ...guards } }
    const one = await watched(() => stillAdapter({ endpoint, transport }).adapter, env)
    return { ...one, put: transport.put.bind(transport) }
  }

  it('tell of a guard that refuses what the provider sends, before the last good value has ended', async () => {
    await using one = await start({ max: 2_000 })
    const { watch, ask, put } = one
    const meanwhile = (value: number) => async () => {
      for (let time = 0; time < 5; time++) await put(ETH, value)
      await ask(ETH)
    }
    const healthy = await watch.goOn(6, meanwhile(1_800))
    const refused = await watch.goOn(1.5, meanwhile(1_000_000))
    const missing = await watch.goOn(4, meanwhile(1_000_000))
    const over = await watch.goOn(7, meanwhile(1_900))
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: refused, firing: ['TickwellValuesRefused'] },
      {
        at: missing,
        firing: ['TickwellValuesRefused', 'TickwellAdapterDown', 'TickwellFeedsDown', 'TickwellAnswersFail'],
      },
      { at: over, firing: [] },
    ])
  })

  it('tell of a guard that only reports', async () => {
    await using one = await start({ max: 2_000 }, { GUARD_POLICY: 'report' })
    const { watch, ask, put } = one
    const meanwhile = async () => {
      for (let time = 0; time < 5; time++) await put(ETH, 1_000_000)
      await ask(ETH)
    }
    await expectAlerts(watch, [{ at: await watch.goOn(3, meanwhile), firing: ['TickwellValuesReported'] }])
  })

  it('tell of feeds that are renewed only just before they end, and not of those that come often', async () => {
    await using one = await start({})
    const { watch, ask, put } = one
    let scrapes = 0
    const at = await watch.goOn(25, async () => {
      if (scrapes++ % 6 === 0) await put(ETH, 1_800)
      await put(BTC, 60_000)
      await ask(BTC)
    })
    await expectAlerts(watch, [{ at, firing: ['TickwellFeedsNearLimit'] }])
  })
})
