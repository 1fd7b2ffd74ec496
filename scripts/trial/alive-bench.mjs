/** One service whose provider counts, and what can be said of its feeds. */
import { CountingProvider } from './counting-provider.mjs'
import { reasonIn } from '../outside/service.mjs'
import { seconds } from '../outside/waiting.mjs'

/** A value that was sent no longer ago than this is a live one. */
const FRESH_MS = 2_000

export class Rig {
  constructor(service, provider) {
    this.service = service
    this.provider = provider
  }

  /**
   * @param kind - `ws`, `sse`, `http` or `both`
   * @param of.say - what the provider does, see {@link CountingProvider}
   * @param of.declared - what the adapter declares of it; a function is called when the provider has an address
   * @param of.env - of the service; a function is called with the provider when that has an address
   */
  static async start(bench, kind, { say, declared = {}, env = {}, providers, workers } = {}) {
    const all = providers ?? [new CountingProvider(say)]
    const [first] = all
    const own = () => ({
      OUTSIDE_KIND: kind,
      OUTSIDE_PROVIDER: kind === 'ws' || kind === 'both' ? first.url : first.httpUrl,
      OUTSIDE_DECLARED: JSON.stringify(typeof declared === 'function' ? declared() : declared),
      // What the adapter declares is all that it goes by.
      RATE_LIMIT_CAPACITY_SECOND: undefined,
      ...(typeof env === 'function' ? env(first) : env),
    })
    return new Rig(await bench.service(all, { env: own, workers }), first)
  }

  /** Asks once for each. */
  ask(symbols) {
    return Promise.all(symbols.map((symbol) => this.service.ask({ symbol })))
  }

  /** Which of the symbols have no live value. */
  async notFresh(symbols) {
    const answers = await this.ask(symbols)
    return symbols.filter((_, i) => !isFresh(answers[i]))
  }
}

const isFresh = ({ status, result }) => status === 200 && Date.now() - result <= FRESH_MS

/** The first few, and how many there are. */
export const some = (names) =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`

export const gapText = (ms) => (ms === Infinity ? 'never' : seconds(ms))

/** The reason that an answer names, if it is one by a code. */
export const codeOf = ({ body }) => reasonIn(body)?.code

/** That many names of feeds. */
export const named = (count) => Array.from({ length: count }, (_, i) => `S${i + 1}`)

export const isTrue = (value) => value === true

export const count = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`
export const times = (number) => (number === 1 ? 'once' : `${number} times`)
