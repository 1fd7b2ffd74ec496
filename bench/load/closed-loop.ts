import autocannon from 'autocannon'
import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from '../measure/statistics'
import { BadAnswer } from './answer'
import { Checking } from './checking'
import { type Around, CONNECTIONS, type Counted, type LoadOptions } from './options'
import { bodyFor, NODE_HEADERS, nodeBodyFor } from './request'

/** Until all connections are there, and have had answers. */
const LEAD_MS = 150
/** How often autocannon looks whether it is to stop. */
const LOOK_EVERY_MS = 20

type Requests = Pick<autocannon.Options, 'requests' | 'setupClient'>

/** Over all connections the feeds come in turn, each time in a body that was not there before. */
const asNodes = ({ bases }: LoadOptions): Requests => {
  let turn = 0
  const setupRequest = (request: autocannon.Request) => {
    request.body = nodeBodyFor(bases[turn++ % bases.length] as string)
    return request
  }
  return { requests: [{ setupRequest }] }
}

/** Each connection has its share of the feeds, and asks for them in turn: written before the round, not in it. */
const constant = ({ bases, connections = CONNECTIONS }: LoadOptions): Requests => {
  let opened = 0
  const setupClient = (client: autocannon.Client) => {
    const first = opened++
    const share = bases.filter((_, index) => index % connections === first)
    const own = share.length > 0 ? share : [bases[first % bases.length] as string]
    client.setRequests(own.map((base) => ({ body: bodyFor(base) })))
  }
  return { setupClient }
}

/** One run of autocannon, which fails with the first answer that has no status 200, and with a lost connection. */
class Cannon {
  /** Resolves when it has stopped, rejects at the first failure. */
  readonly ended: Promise<void>
  private readonly stopped: Promise<autocannon.Result>
  /** In ms, of the answers that came while they counted. */
  readonly latencies: number[] = []
  isCounting = false
  private instance!: autocannon.Instance

  constructor(options: LoadOptions, limits: Pick<autocannon.Options, 'amount'> = {}) {
    const { port, connections = CONNECTIONS, asNode = false } = options
    const settings: autocannon.Options = {
      url: `http://127.0.0.1:${port}`,
      method: 'POST',
      headers: NODE_HEADERS,
      connections,
      duration: 3_600,
      sampleInt: LOOK_EVERY_MS,
      ...limits,
      ...(asNode ? asNodes(options) : constant(options)),
    }
    this.stopped = new Promise((resolve, reject) => {
      this.instance = autocannon(settings, (error: Error | null, result) =>
        error === null ? resolve(result) : reject(error),
      )
    })
    const failed = new Promise<never>((_, reject) => this.listen(reject))
    this.ended = Promise.race([failed, this.stopped.then((result) => noneLost(result, connections))])
    // Whoever waits for the end hears of it.
    this.ended.catch(() => {})
  }

  /** @throws BadAnswer when anything has failed */
  async stop(): Promise<void> {
    this.instance.stop()
    await this.stopped
    await this.ended
  }

  private listen(fail: (error: Error) => void): void {
    this.instance.on('response', (_client, status, _bytes, ms) => {
      if (status !== 200) fail(new BadAnswer(`An answer got ${status}`))
      else if (this.isCounting) this.latencies.push(ms)
    })
    this.instance.on('reqError', (error: Error) => fail(new BadAnswer(`No answer: ${error.message}`)))
  }
}

/** Autocannon opens a lost connection again without a word; what was under way on it has no answer. */
const noneLost = ({ requests }: autocannon.Result, connections: number): void => {
  const lost = requests.sent - requests.total - connections
  if (lost > 0) throw new BadAnswer(`${lost} requests were lost with their connections`)
}

/**
 * Every connection sends its next request when it has its answer, for a while: as many as autocannon and the target can. Beside it a
 * connection of our own looks at values.
 *
 * @throws BadAnswer at the first answer that is not a good one
 */
export const closedLoop = async (
  options: LoadOptions,
  seconds: number,
  around: Around = {},
): Promise<Counted> => {
  await using checking = await Checking.start(options)
  const cannon = new Cannon(options)
  const unlessFailed = <R>(work: Promise<R>) => Promise.race([work, cannon.ended, checking.failure])
  try {
    await unlessFailed(pause(LEAD_MS))
    around.before?.()
    const checkedBefore = checking.answers
    const startedAt = performance.now()
    cannon.isCounting = true
    await unlessFailed(pause(seconds * 1_000))
    cannon.isCounting = false
    const endedAt = performance.now()
    around.after?.()
    const { latencies } = cannon
    return {
      requests: latencies.length + checking.answers - checkedBefore,
      seconds: (endedAt - startedAt) / 1_000,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    }
  } finally {
    await cannon.stop()
  }
}

/** So many requests, as fast as they are answered. @throws BadAnswer at the first answer that is not a good one */
export const sendMany = async (options: LoadOptions, amount: number): Promise<void> => {
  await using checking = await Checking.start(options)
  const cannon = new Cannon(options, { amount })
  try {
    await Promise.race([cannon.ended, checking.failure])
  } finally {
    await cannon.stop()
  }
}
