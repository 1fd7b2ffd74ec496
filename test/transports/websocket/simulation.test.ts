import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { smallAdapter } from '../../../scripts/outside/adapter.cjs'
import { Adapter, AdapterEndpoint } from '../../../src/public/adapter'
import { WebSocketTransport } from '../../../src/public/transports'
import { InputParameters } from '../../../src/public/validation'
import { serve } from '../../../src/testing/serve'
import { monotonicMs } from '../../../src/util/clock'
import { holdClock, letClockGo, pause } from '../../helpers/held-sockets'

const load = async () => ({
  ...(await import('../../../scripts/simulation/judge.mjs')),
  ...(await import('../../../scripts/simulation/plan.mjs')),
  ...(await import('../../../scripts/simulation/venue.mjs')),
})
type Simulation = Awaited<ReturnType<typeof load>>

let simulation: Simulation
beforeAll(async () => {
  simulation = await load()
})

const modules = { Adapter, AdapterEndpoint, InputParameters, WebSocketTransport }

beforeEach(holdClock)
afterEach(letClockGo)

/** The same drops in each run. */
const drawn = () => {
  let state = 7
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647
}

interface Changes {
  declared?: object
  settleMs?: number
  /** What a client sees in place of the answer for a symbol. */
  seen?: (answer: Answer, symbol: string) => Answer
}
type Answer = Awaited<ReturnType<Parameters<Simulation['tryOut']>[1]['ask']>>

/** The short form of `npm run simulation`, in this process. */
const simulate = async ({ declared, settleMs, seen = (answer) => answer }: Changes = {}) => {
  const { brokenIn, declaredOf, planOf, settingsOf, tryOut, Venue } = simulation
  const plan = planOf(true)
  const { numbers, kinds } = plan
  if (settleMs !== undefined) Object.assign(numbers, { settleMs, watchMs: 2_500 })
  const venue = new Venue(numbers, kinds, { nowMs: monotonicMs, random: drawn() })
  await venue.start()
  const of = {
    kind: 'ws' as const,
    url: venue.url,
    declared: { ...declaredOf(numbers), ...declared },
  }
  const service = await serve(() => smallAdapter<Adapter>(modules, of), { env: settingsOf(numbers) })
  const ask = async (symbol: string) => {
    const { statusCode, json } = await service.post({ symbol })
    return seen({ status: statusCode, body: json }, symbol)
  }
  try {
    const restart = () => venue.restart()
    const problems = await tryOut(plan, { ask, nowMs: monotonicMs, pause, restart })
    return { plan, problems, report: venue.report(), broken: brokenIn(venue.report()) }
  } finally {
    vi.useRealTimers()
    await service.stop()
    await venue.stop()
  }
}

describe('120 feeds on a venue with tight limits, poison, forgotten and silent symbols, drops and a restart', () => {
  it('end in a value or a reason with a name, while no limit is ever broken', async () => {
    const { plan, problems, broken, report } = await simulate()
    expect(problems).toEqual([])
    expect(broken).toEqual([])
    // All of it did happen.
    const { seen, subscribed } = report
    expect(Math.min(seen.poisoned, seen.drops)).toBeGreaterThan(0)
    expect(seen.mostConnections).toBeGreaterThanOrEqual(6)
    expect(subscribed).toBeGreaterThanOrEqual(plan.good.length)
  })
})

describe('the same simulation', () => {
  it('fails on an adapter that keeps no limits', async () => {
    const { broken } = await simulate({ declared: { limits: undefined }, settleMs: 5_000 })
    expect(broken).toEqual(expect.arrayContaining([expect.stringContaining('subscriptions')]))
  })

  it('fails when a good feed has no value, or a bad one no reason with a name', async () => {
    const seen = (answer: Answer, symbol: string): Answer =>
      symbol === 'S0' || symbol === 'S3' ? { status: 504, body: {} } : answer
    const { plan, problems } = await simulate({ settleMs: 10_000, seen })
    expect([plan.bad.has('S0'), plan.bad.has('S3')]).toEqual([false, true])
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.stringContaining('1 good feeds down: S0: 504'),
        expect.stringContaining('1 bad feeds without a name: S3: 504'),
      ]),
    )
  })
})
