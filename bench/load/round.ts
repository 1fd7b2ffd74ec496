import { percentile } from '../measure/statistics'
import { type Answer } from './answer'
import { Connection } from './connection'
import { checkValue, CONNECTIONS, type Counted, type LoadOptions } from './options'
import { nodeRequestFor, requestFor } from './request'

/** Of every so many answers the value is looked at. A prime, so that no feed is left out for long. */
const CHECK_EVERY = 17
const MAX_REQUESTS = 1_000_000

/** One round: sends, counts good answers, and ends the round with the first that is not. */
export class Round {
  readonly ended: Promise<void>
  private readonly latencies = new Float64Array(MAX_REQUESTS)
  private readonly requestOf: (index: number) => Buffer
  private sent = 0
  private answered = 0
  private resolve!: () => void
  private reject!: (error: Error) => void

  private constructor(
    private readonly options: LoadOptions,
    readonly connections: readonly Connection[],
    /** Called when a connection has its answer; may send the next request on it. */
    private readonly onIdle: (connection: Connection, nowMs: number) => void,
  ) {
    const { bases, asNode = false } = options
    const constant = asNode ? [] : bases.map(requestFor)
    this.requestOf = (index) => constant[index] ?? nodeRequestFor(bases[index] as string)
    this.ended = new Promise<void>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    for (const connection of connections)
      connection.listen((answer) => this.take(connection, answer), this.reject)
  }

  static async open(
    options: LoadOptions,
    onIdle: (connection: Connection, nowMs: number) => void,
  ): Promise<Round> {
    const connections = await Connection.openAll(options.port, options.connections ?? CONNECTIONS)
    return new Round(options, connections, onIdle)
  }

  get underWay(): number {
    return this.sent - this.answered
  }

  /** @param startedAtMs - when it should have been sent, if that was earlier than now */
  send(connection: Connection, startedAtMs: number): void {
    connection.index = this.sent++ % this.options.bases.length
    connection.startedAt = startedAtMs
    connection.send(this.requestOf(connection.index))
  }

  /** To be called when nothing is under way and nothing more will be sent. */
  end(): void {
    this.resolve()
  }

  close(): void {
    for (const connection of this.connections) connection.close()
  }

  counted(seconds: number): Counted {
    const latencies = this.latencies.subarray(0, this.answered)
    return {
      requests: this.answered,
      seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    }
  }

  private take(connection: Connection, answer: Answer): void {
    const now = performance.now()
    try {
      const base = this.options.bases[connection.index] as string
      if (answer.status !== 200 || this.answered % CHECK_EVERY === 0)
        checkValue(answer, base, this.options.check)
      if (this.answered === MAX_REQUESTS) throw new RangeError('More answers than a round has room for')
      this.latencies[this.answered++] = now - connection.startedAt
      this.onIdle(connection, now)
    } catch (error) {
      this.reject(error as Error)
    }
  }
}
