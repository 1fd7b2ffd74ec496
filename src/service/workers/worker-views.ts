import { type AnyAdapter } from '../../adapter/adapter'
import { type AnyRequest } from '../../adapter/params'
import { type ExplainAnswer } from '../../http/explain-answer'
import { explanationOf } from '../../http/explanation'
import { type Liveness } from '../../http/live'
import { type ProcessState } from '../../http/process-state'
import { type FeedsReadiness } from '../../http/ready'
import { livenessOf, readinessOf, type Views } from '../../http/views'
import { monotonicMs } from '../../util/clock'
import { type WriterLink } from './writer-link'

/** So long the writer may be away, or silent: the supervisor ends a silent one and replaces it, several times if need be. */
const WRITER_WITHIN_MS = 60_000

/** What the pages of a worker show: the transports, and all that clients want, are in the writer. */
export class WorkerViews implements Views {
  /** Since when the writer has not answered; undefined while it does. */
  private silentSinceMs: number | undefined

  constructor(
    readonly state: ProcessState,
    private readonly link: Pick<WriterLink, 'look'>,
    private readonly adapters: () => readonly AnyAdapter[],
  ) {}

  async liveness(): Promise<Liveness> {
    const own = livenessOf(this.state, this.adapters())
    const answer = await this.link.look({ what: 'liveness' })
    const loops = own.loops + 1
    if ('said' in answer) {
      this.silentSinceMs = undefined
      const writers = answer.said as Liveness
      // The writer, too, has been told of silent processes.
      const hanging = new Map([...own.hanging, ...writers.hanging].map((one) => [one.loop, one]))
      return {
        loops: loops + writers.loops,
        hanging: [...hanging.values()],
        restarted: [...writers.restarted, ...own.restarted],
        stalls: [...writers.stalls, ...own.stalls],
      }
    }
    const now = monotonicMs()
    this.silentSinceMs ??= now
    const silentMs = now - this.silentSinceMs
    if (silentMs <= WRITER_WITHIN_MS) return { ...own, loops }
    const sinceUnixMs = Math.round(Date.now() - silentMs)
    const late = { loop: 'the writer, by its answers', sinceUnixMs, withinMs: WRITER_WITHIN_MS }
    return { ...own, loops, hanging: [...own.hanging, late] }
  }

  /** Without the writer, essential feeds are judged by what this worker serves, so that it goes on while the writer is replaced. */
  async readiness(): Promise<FeedsReadiness> {
    const answer = await this.link.look({ what: 'readiness' })
    if ('said' in answer) return answer.said as FeedsReadiness
    return { ...(await readinessOf(this.adapters())), writer: answer.failure }
  }

  async explain(adapter: AnyAdapter, request: AnyRequest): Promise<ExplainAnswer> {
    const { endpointName, transportName, data, cacheKey } = request.requestContext
    const feed = {
      adapter: adapter.name,
      endpoint: endpointName,
      transport: transportName,
      params: data,
      key: cacheKey,
    }
    const answer = await this.link.look({ what: 'explanation', feed })
    if ('said' in answer && answer.said !== undefined) return answer.said as ExplainAnswer
    // What the transports of this process say is not so: they do not run here.
    return { ...(await explanationOf(adapter, request)), transports: [] }
  }
}
