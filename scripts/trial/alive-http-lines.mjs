/** What a provider over HTTP sees of an adapter that polls it. */
import { count, Rig } from './alive-bench.mjs'
import { mostWithin } from './counting-provider.mjs'
import { expected, pause, seconds, within } from '../outside/waiting.mjs'

const SEEN_FOR_MS = 4_000
/** Requests that were sent a second apart may arrive a little less far apart. */
const JITTER_MS = 100

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

const RETRY_AFTER_S = 5

/** The first request is refused. */
const told = [429, 503].map((status) => ({
  name: `HTTP polling, ${status}`,
  async run(bench) {
    const headers = { 'retry-after': String(RETRY_AFTER_S) }
    const rig = await Rig.start(bench, 'http', { say: { price: (n) => n === 1 && { status, headers } } })
    const { messages } = rig.provider
    await rig.ask(['A'])
    await expected('request', 5_000, () => messages.length > 0)
    await within(3 * RETRY_AFTER_S * 1_000, () => messages.length > 1)
    const waitedMs = (messages[1]?.atMs ?? Infinity) - messages[0].atMs
    const isBack = await within(5_000, async () => (await rig.notFresh(['A'])).length === 0)
    const saw = `the next request came after ${seconds(waitedMs)}`
    return { ok: waitedMs >= RETRY_AFTER_S * 1_000 - JITTER_MS && isBack === true, saw }
  },
}))

const REFUSED_MS = 8_000
/** At once, and after pauses that grow. */
const FEW = 4

const refused = [401, 404].map((status) => ({
  name: `HTTP polling, ${status}`,
  async run(bench) {
    const declared = { tiers: { one: { rateLimit1s: 3 } } }
    const rig = await Rig.start(bench, 'http', { declared, say: { price: () => ({ status }) } })
    const { messages } = rig.provider
    await rig.ask(['A'])
    await expected('request', 5_000, () => messages.length > 0)
    await pause(REFUSED_MS)
    return {
      ok: messages.length <= FEW,
      saw: `${count(messages.length, 'request')} in ${seconds(REFUSED_MS)}`,
    }
  },
}))

export const httpLines = [
  {
    name: 'retry-after-polling',
    law: 'RL-1',
    scenario: 'a poll is refused with 429 or 503 and `Retry-After: 5`',
    right: 'no request before that, then values again',
    cases: told,
  },
  {
    name: 'refused-polls',
    law: 'RL-3',
    scenario: 'every poll is refused with 401 or 404; three requests a second are declared',
    right: 'pauses that grow: at most four requests in 8 s',
    cases: refused,
  },
  {
    name: 'polling-floor',
    law: 'RL-2',
    scenario: 'an HTTP adapter declares no limit; one feed is wanted',
    right: 'at most one request a second, and a warning at the start',
    cases: [unlimited],
  },
  {
    name: 'rate-windows',
    law: 'RL-2',
    scenario: '`rateLimit1s: 3`, ten feeds are wanted from the start on',
    right: 'three requests in any second, the first one included',
    cases: strategies,
  },
]
