import { metrics } from '../metrics/registry'
import { wakeSignalOf } from './capabilities'
import { type EndpointContext, type Transport, type TransportGenerics } from './transport'
import { ResponseCache } from '../feeds/response-cache'
import { HttpTransport } from './http/http-transport'
import { StreamingTransport } from './streaming-transport'
import { WebSocketTransport } from './websocket/websocket-transport'
import { named } from '../util/line-owner'
import { LogLimiter } from '../util/log-limiter'
import { asyncLocalStorage, makeLogger } from '../util/logging'
import { OwnedStore } from '../util/owner'
import { beginningOf } from '../util/redaction'
import { type Heart } from '../util/heartbeats'
import { MAX_TIMER_MS, sleep } from '../util/sleep'
import { monotonicMs } from '../util/clock'

const logger = makeLogger('BackgroundExecutor')

/** The pause between two runs of a transport. Custom transports may rely on it (contract 9). */
const PAUSE_MS = 10
/**
 * Feeds that become wanted within this many turns of the event loop are sent together. The turns take almost no time, unless many requests
 * come at once.
 */
const GATHER_TURNS = 12

/** Failures are of one kind where their texts begin with the same characters. */
const MAX_KIND = 100

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * Runs one transport's `backgroundExecute` repeatedly until it is stopped (contract 9). A run never starts before the last one has ended. A
 * run that exceeds its time limit is an error. If it has still not ended after the same time again, it is given up, so that a call that
 * never returns cannot stop its feeds for ever.
 */
export class BackgroundRunner<T extends TransportGenerics> {
  private readonly stopping = new AbortController()
  private readonly labels: { app_name: string; adapter_endpoint: string; transport: string }
  private readonly isStream: boolean
  private readonly adapterName: string
  /** Whether what a run writes is refused once it was given up. Our own streams tell by themselves what is of the past. */
  private readonly isLeased: boolean
  /** Of the run that counts. */
  private store: OwnedStore | undefined
  private loop: Promise<void> = Promise.resolve()
  /** The run that counts. An earlier one may still hang. */
  private generation = 0
  /** Ends the wait for the run in progress. */
  private endWatch = () => {}
  private readonly problems = new LogLimiter()
  /** How the last run failed; undefined after one that did not. */
  private failing: string | undefined

  constructor(
    adapterName: string,
    transportName: string,
    private readonly transport: Transport<T> & Required<Pick<Transport<T>, 'backgroundExecute'>>,
    private readonly context: EndpointContext<T>,
    private readonly timeoutMs: number,
    /** Beats whenever a run has ended. One that is given up has not. */
    private readonly heart?: Heart,
    /** The endpoint's, through which authors' transports may write also where they do not keep it under its name. */
    private readonly cache?: unknown,
  ) {
    const { endpointName } = context
    this.adapterName = adapterName
    this.labels = { app_name: adapterName, adapter_endpoint: endpointName, transport: transportName }
    // On Node 20, one use of an AsyncLocalStorage makes every later asynchronous step of the process slower, by a fifth of the time of a
    // cached answer. WebSocket streams, which supply most of the cached answers, therefore run without it.
    this.isStream = transport instanceof WebSocketTransport
    this.isLeased = !(transport instanceof StreamingTransport || transport instanceof HttpTransport)
  }

  /** Starts the loop. The first run has begun when this returns. */
  start(): void {
    this.loop = this.run()
  }

  /** Resolves when no further run will begin. It does not wait for a run in progress, because a transport's run cannot be aborted. */
  async stop(): Promise<void> {
    this.stopping.abort()
    this.heart?.stop()
    this.endWatch()
    await this.loop
  }

  /** The same, where the adapter begins again: what a run in progress still writes is of the past. */
  async abandon(): Promise<void> {
    this.revoke()
    await this.stop()
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping
    const wake = wakeSignalOf(this.transport)
    while (!signal.aborted) {
      wake?.clear()
      await this.runOnce()
      if (signal.aborted) return
      if (wake === undefined) await sleep(PAUSE_MS, signal)
      else if (wake.isPending) for (let turn = 0; turn < GATHER_TURNS; turn++) await nextTurn()
      else await wake.wait(PAUSE_MS)
    }
  }

  private async runOnce(): Promise<void> {
    const startedAtMs = monotonicMs()
    metrics.get('bgExecuteTotal').inc(this.labels)
    const execution = this.isStream ? this.execute() : this.executeInStore()
    if ((await this.endsWithin(execution)) === 'late') {
      this.failed(
        new Error(
          `The promise "Background Execute" took longer than ${this.timeoutMs} ms to execute, the next run waits for its end`,
        ),
      )
      if ((await this.endsWithin(execution)) === 'late') this.giveUp()
    }
    metrics.get('bgExecuteDurationSeconds').set(this.labels, (monotonicMs() - startedAtMs) / 1000)
  }

  private executeInStore(): Promise<void> {
    const { endpointName } = this.context
    const label = `Endpoint: ${endpointName} - Transport: ${this.transport.constructor.name}`
    const store = (this.store = new OwnedStore(label, this.adapterName, endpointName))
    // What a run has begun may go on after its end, such as a stream of the author's own, on which later runs count. Requests do not.
    const ended = (): void => {
      if (!(this.transport instanceof HttpTransport)) store.giveUp(false)
    }
    return asyncLocalStorage.run(store, () => this.execute().finally(ended))
  }

  /** Never rejects. */
  private async execute(): Promise<void> {
    const generation = ++this.generation
    try {
      await this.transport.backgroundExecute(this.context)
      if (generation === this.generation) this.succeeded()
    } catch (error) {
      if (generation === this.generation) this.failed(error)
    }
    if (generation === this.generation) this.heart?.beat()
  }

  /** LC-1: another run takes its place. If it ever comes back, it is a run of the past. */
  private giveUp(): void {
    metrics.get('loopsReplaced').inc(this.labels)
    if (this.isLeased) this.revoke()
    this.failed(new Error('A run was given up: it never ended; the next one takes its place'))
  }

  /** CN-10: what the run in progress still writes is refused. */
  private revoke(): void {
    this.store?.giveUp()
    const { responseCache } = this.transport
    for (const cache of [responseCache, this.cache]) if (cache instanceof ResponseCache) cache.heedGivenUp()
  }

  private endsWithin(execution: Promise<void>): Promise<'ended' | 'late'> {
    if (this.stopping.signal.aborted) return Promise.resolve('ended')
    return new Promise((resolve) => {
      const settle = (how: 'ended' | 'late') => {
        clearTimeout(timer)
        resolve(this.stopping.signal.aborted ? 'ended' : how)
      }
      const timer = setTimeout(() => settle('late'), Math.min(this.timeoutMs, MAX_TIMER_MS))
      this.endWatch = () => settle('ended')
      void execution.then(this.endWatch)
    })
  }

  private succeeded(): void {
    const { failing } = this
    if (failing === undefined) return
    this.failing = undefined
    this.problems.over(failing, ({ lastedMs }) =>
      named(logger, this.context).info(
        { lastedMs },
        `Background execution of ${this.context.endpointName} works again after ${Math.round(lastedMs / 1_000)} s`,
      ),
    )
  }

  private failed(error: unknown): void {
    if (this.stopping.signal.aborted) return
    const text = `Background execution of ${this.context.endpointName} failed: ${String(error)}`
    this.failing = beginningOf(String(error), MAX_KIND, '')
    this.problems.run(this.failing, (repeated) =>
      named(logger, this.context).error({ err: error, ...(repeated > 0 && { repeated }) }, text),
    )
    metrics.get('bgExecuteErrors').inc(this.labels)
  }
}
