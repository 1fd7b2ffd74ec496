/** What a provider over HTTP sees of an adapter that polls it. */
import { Rig } from './alive-bench.mjs'
import { mostWithin } from './counting-provider.mjs'
import { expected, pause } from './waiting.mjs'

const SEEN_FOR_MS = 4_000
/** Requests that were sent a second apart may arrive a little less far apart. */
const JITTER_MS = 40

const polled = async (rig, symbols) => {
  await rig.ask(symbols)
  await expected('request', 5_000, () => rig.provider.messages.length > 0)
  await pause(SEEN_FOR_MS)
  const [first] = rig.provider.messages
  return rig.provider.messages.filter(({ atMs }) => atMs - first.atMs < SEEN_FOR_MS)
}

const unlimited = {
  name: 'HTTP polling',
  async run(bench) {
    const rig = await Rig.start(bench, 'http')
    const log = await polled(rig, ['A'])
    const most = mostWithin(log, 1_000 - JITTER_MS)
    const hasWarned = rig.service.lines.some(
      ({ level, msg }) => /warn/.test(level) && /rate limit/i.test(msg),
    )
    const saw = `${log.length} requests for one feed in ${SEEN_FOR_MS / 1_000} s, ${hasWarned ? 'with' : 'without'} a warning at the start`
    return { ok: most <= 1 && log.length >= 2 && hasWarned, saw }
  },
}

const strategies = ['burst', 'fixed-interval'].map((strategy) => ({
  name: `HTTP polling, ${strategy}`,
  async run(bench) {
    const declared = { tiers: { one: { rateLimit1s: 3 } } }
    const rig = await Rig.start(bench, 'http', { declared, env: { RATE_LIMITING_STRATEGY: strategy } })
    const log = await polled(rig, ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'])
    const most = mostWithin(log, 1_000 - JITTER_MS)
    return { ok: most <= 3 && log.length >= 6, saw: `${most} requests within a second, ${log.length} in all` }
  },
}))

export const httpLines = [
  {
    name: 'B17',
    law: 'RL-2',
    scenario: 'an HTTP adapter declares no limit; one feed is wanted',
    right: 'at most one request a second, and a warning at the start',
    cases: [unlimited],
  },
  {
    name: 'B18',
    law: 'RL-2',
    scenario: '`rateLimit1s: 3`, ten feeds are wanted from the start on',
    right: 'three requests in any second, the first one included',
    cases: strategies,
  },
]
