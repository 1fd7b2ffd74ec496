/** Several sources of one feed: none waits for another, none hides what another says. */
import { Rig } from './alive-bench.mjs'
import { CountingProvider } from './counting-provider.mjs'
import { reasonIn } from '../outside/service.mjs'
import { expected, meanwhile, nowMs, seconds, within } from '../outside/waiting.mjs'

/** A stream, and REST of another provider. */
const both = async (bench, { stream, rest, env }) => {
  const [ws, http] = [new CountingProvider(stream), new CountingProvider(rest)]
  const declared = () => ({ rest: http.httpUrl })
  const rig = await Rig.start(bench, 'both', { providers: [ws, http], declared, env })
  return Object.assign(rig, { rest: http })
}

const AT_ONCE_MS = 3_000

const slow = {
  name: 'a stream, and REST without an answer',
  isLong: true,
  async run(bench) {
    // The stream has nothing for the first feed, so that REST is asked.
    const stream = { subscribe: (_, symbol) => symbol !== 'MUTE' }
    const rig = await both(bench, { stream, rest: { answer: () => true }, env: { CACHE_MAX_AGE: '3000' } })
    await rig.ask(['MUTE'])
    await expected('request', 20_000, async () => (await rig.ask(['MUTE']), rig.rest.messages.length > 0))
    const fromMs = nowMs()
    await rig.ask(['A'])
    const isServed = async () => (await rig.notFresh(['A'])).length === 0
    const served = await within(20_000, isServed)
    const tookMs = nowMs() - fromMs
    const ok = served === true && tookMs <= AT_ONCE_MS
    return {
      ok,
      saw: served ? `another feed has a value ${ok ? 'at once' : `after ${seconds(tookMs)}`}` : 'no value',
    }
  },
}

const timeless = {
  name: 'a stream without times, and REST that fails',
  async run(bench) {
    const stream = { subscribe: () => false }
    const rig = await both(bench, { stream, rest: { price: () => ({ status: 500 }) } })
    await rig.ask(['A'])
    await expected('subscription', 10_000, () => rig.provider.log('subscribe').length > 0)
    const send = () => rig.provider.send({ symbol: 'A', result: Date.now() })
    const isFresh = async () => (await rig.notFresh(['A'])).length === 0
    const isServed = await meanwhile(100, send, () => within(8_000, isFresh))
    return {
      ok: isServed === true,
      saw: isServed ? 'its values are served' : 'no value is served, or only the first',
    }
  },
}

const allFail = {
  name: 'a stream that refuses handshakes, and REST that fails',
  async run(bench) {
    const stream = { upgrade: () => ({ status: 503 }) }
    const rig = await both(bench, { stream, rest: { price: () => ({ status: 500 }) } })
    const says = ({ status, body }) => {
      const text = JSON.stringify(reasonIn(body) ?? '')
      return status !== 200 && /503/.test(text) && /500/.test(text)
    }
    const ask = async () => (await rig.ask(['A']))[0]
    const seen = await within(10_000, ask, says)
    if (seen !== undefined) return { ok: true, saw: 'both are named' }
    const { status, why } = await ask()
    return { ok: false, saw: `${status}${why === undefined ? ' without a reason' : `: ${why}`}` }
  },
}

export const lawSourceLines = [
  {
    name: 'slow-sibling',
    law: 'FO-3',
    scenario: 'of two sources one does not answer; then another feed is asked for',
    right: `the other source brings its value within ${AT_ONCE_MS / 1_000} s`,
    cases: [slow],
  },
  {
    name: 'without-times',
    law: 'FO-5',
    scenario: 'of two sources one fails, and the other gives no times',
    right: 'its values are served, one after the other',
    cases: [timeless],
  },
  {
    name: 'all-fail',
    law: 'FO-7',
    scenario: 'all sources of a feed fail, each in its own way',
    right: 'the reason names each of them',
    cases: [allFail],
  },
]
