import { afterEach, it, vi } from 'vitest'
import { ProcessState } from '../../src/http/process-state'
import { ourTime } from '../../src/util/clock'
import { LimitsFile } from '../service/feed-limits-support'
import { stillAdapter, StillTransport } from '../http/support'
import { describeWithPromtool, expectAlerts } from './promtool'
import { BTC, ETH, runsOnHeldClock, watched } from './run'

runsOnHeldClock()
afterEach(() => void (ourTime.trustsWall = undefined))

/** As many feeds as the smallest limits are. */
const THOUSAND = Array.from({ length: 1_000 }, (_, index) => ({ base: `A${index}`, quote: 'USD' }))

/** Its background passes do what the test says. */
class OddTransport extends StillTransport {
  work: () => Promise<void> = () => Promise.resolve()

  override backgroundHandler(): Promise<void> {
    return this.work()
  }
}

const start = async (env: Record<string, string> = {}) => {
  const transport = new OddTransport()
  const make = () => stillAdapter({ endpoint: { guards: { onlyWanted: false } }, transport }).adapter
  const one = await watched(make, env)
  const healthily = async () => {
    await transport.put(ETH, 1_800)
    await one.ask(ETH)
  }
  return { ...one, transport, healthily }
}

describeWithPromtool('alerts of what goes wrong inside', () => {
  it('tell that a background pass never ends', async () => {
    await using one = await start()
    const { watch, transport, healthily } = one
    const healthy = await watch.goOn(2, healthily)
    transport.work = () => new Promise(() => {})
    const hangs = await watch.goOn(4, healthily)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: hangs, firing: ['TickwellLoopReplaced'] },
    ])
  })

  it('tell that background passes fail', async () => {
    await using one = await start()
    const { watch, transport, healthily } = one
    const healthy = await watch.goOn(2, healthily)
    transport.work = () => Promise.reject(new Error('a fault of the code'))
    const fails = await watch.goOn(2, healthily)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: fails, firing: ['TickwellPassesFail'] },
    ])
  })

  it('tell that the wall clock was set', async () => {
    await using one = await start()
    const { watch, healthily } = one
    ourTime.trustsWall = false
    const healthy = await watch.goOn(3, healthily)
    vi.setSystemTime(Date.now() - 3_600_000)
    const stepped = await watch.goOn(1, healthily)
    const later = await watch.goOn(11, healthily)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: stepped, firing: ['TickwellClockStepped'] },
      { at: later, firing: [] },
    ])
  })

  it('tell that the event loop stands still again and again', async () => {
    await using one = await start()
    const { watch, healthily } = one
    const state = new ProcessState()
    state.watchEventLoop()
    const healthy = await watch.goOn(3, healthily)
    const stalls = await watch.goOn(2, () => {
      // Time passes, and no timer has its turn.
      ;(setTimeout as unknown as { clock: { jump(ms: number): void } }).clock.jump(5_000)
      return healthily()
    })
    state.stopping()
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: stalls, firing: ['TickwellEventLoopStalls'] },
    ])
  })
})

describeWithPromtool('alerts of limits', () => {
  it('tell that there is no room for further feeds', async () => {
    await using one = await start({ SUBSCRIPTION_SET_MAX_ITEMS: '1000', METRICS_MAX_FEEDS: '5000' })
    const { watch, transport, ask } = one
    for (const feed of THOUSAND) await transport.put(feed, 1)
    const healthily = () => ask(...THOUSAND)
    const healthy = await watch.goOn(0.5, healthily)
    await ask(ETH)
    const full = await watch.goOn(0.5, healthily)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: full, firing: ['TickwellFeedsRefused'] },
    ])
  })

  it('tell that the cache is full', async () => {
    await using one = await start({ CACHE_MAX_ITEMS: '1000', METRICS_MAX_FEEDS: '5000' })
    const { watch, transport, healthily } = one
    for (const feed of THOUSAND.slice(1)) await transport.put(feed, 1)
    const healthy = await watch.goOn(0.5, healthily)
    await transport.put(BTC, 60_000)
    const full = await watch.goOn(0.5, healthily)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: full, firing: ['TickwellCacheFull'] },
    ])
  })

  it('tell that a bound was reached', async () => {
    await using one = await start({ METRICS_MAX_FEEDS: '1' })
    const { watch, transport, healthily } = one
    const healthy = await watch.goOn(2, healthily)
    await transport.put(BTC, 60_000)
    const full = await watch.goOn(0.5, healthily)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: full, firing: ['TickwellBoundReached'] },
    ])
  })

  it('tell that a change of FEED_LIMITS was not taken', async () => {
    using limits = new LimitsFile({ 'ETH/USD': { min: 1 } })
    await using one = await start({ FEED_LIMITS: limits.path })
    const { watch, healthily } = one
    const healthy = await watch.goOn(2, healthily)
    limits.write('{"ETH/USD"')
    const rejected = await watch.goOn(1, healthily)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: rejected, firing: ['TickwellFeedLimitsRejected'] },
    ])
  })
})
