import { it } from 'vitest'
import { type Answer, httpAdapter, httpProvider, oneByOne } from '../transports/http/support'
import { describeWithPromtool, expectAlerts } from './promtool'
import { runsOnHeldClock, watched } from './run'

runsOnHeldClock()

const ETH = { base: 'ETH' }
const MANY = Array.from({ length: 8 }, (_, index) => ({ base: `A${index}` }))

/** An adapter over HTTP, and what its provider answers, which may change. */
const start = async (env: Record<string, string>) => {
  const price: Answer = { body: { price: 1_800 } }
  const state = { answer: price, price }
  const provider = await httpProvider(() => state.answer)
  const one = await watched(() => httpAdapter(oneByOne(provider.url)), env)
  const end = async () => {
    await one[Symbol.asyncDispose]()
    await provider[Symbol.asyncDispose]()
  }
  return { ...one, state, [Symbol.asyncDispose]: end }
}

describeWithPromtool('alerts of a provider over HTTP', () => {
  it.each([429, 401])('tell that it refuses with %d, before the last value has ended', async (status) => {
    await using one = await start({ RATE_LIMIT_CAPACITY_MINUTE: '12' })
    const { watch, ask, state } = one
    const healthy = await watch.goOn(6, () => ask(ETH))
    state.answer = { status, body: {} }
    const refused = await watch.goOn(1.5, () => ask(ETH))
    state.answer = state.price
    const over = await watch.goOn(8, () => ask(ETH))
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: refused, firing: ['TickwellProviderRefuses'] },
      { at: over, firing: [] },
    ])
  })

  it('tell that a host fails, and which feeds that leaves without a price', async () => {
    await using one = await start({ RATE_LIMIT_CAPACITY_MINUTE: '12' })
    const { watch, ask, state } = one
    const healthy = await watch.goOn(6, () => ask(ETH))
    state.answer = { destroy: true }
    const failing = await watch.goOn(6, () => ask(ETH))
    state.answer = state.price
    const over = await watch.goOn(8, () => ask(ETH))
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      {
        at: failing,
        firing: [
          'TickwellProviderFailing',
          'TickwellAdapterDown',
          'TickwellFeedsDown',
          'TickwellAnswersFail',
        ],
      },
      { at: over, firing: [] },
    ])
  })

  it('tell that the rate limit is too low for all that is wanted, so that some is always missing', async () => {
    await using one = await start({ RATE_LIMIT_CAPACITY_MINUTE: '12', CACHE_MAX_AGE: '30000' })
    const { watch, ask } = one
    const at = await watch.goOn(8, () => ask(...MANY))
    await expectAlerts(watch, [
      { at, firing: ['TickwellRateLimitTooLow', 'TickwellFeedsDown', 'TickwellAnswersFail'] },
    ])
  })

  it('tell that requests were dropped because too many wait', async () => {
    await using one = await start({ MAX_HTTP_REQUEST_QUEUE_LENGTH: '2', RATE_LIMIT_CAPACITY_MINUTE: '60' })
    const { watch, ask } = one
    const at = await watch.goOn(8, () => ask(...MANY))
    await expectAlerts(watch, [{ at, firing: ['TickwellRequestsDropped'] }])
  })
})
