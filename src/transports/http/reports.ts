import { providerStatusOf } from '../../outbound-http/provider-error'
import { type App } from '../../metrics/labels'
import { metrics } from '../../metrics/registry'
import { messageOf } from '../../util/objects'
import { LogLimiter } from '../../util/log-limiter'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { type BaseAdapterSettings } from '../../config/settings'

const logger = makeLogger('HttpTransport')

interface Context {
  endpointName: string
  adapterSettings: Pick<BaseAdapterSettings, 'WARMUP_SUBSCRIPTION_TTL' | 'CACHE_MAX_AGE'>
}

/** The log lines of an HTTP transport: each kind of trouble is logged once, and then once per interval with a count (OB-4). */
export class Reports {
  private readonly limiter = new LogLimiter()
  /** The requests that fail now, by the kind of their failure. */
  private readonly failing = new Map<string, Set<string>>()

  /** @param request - its key; undefined where the failure is none of a single request */
  failure(code: string, context: Context, transport: string, error: unknown, request?: string): void {
    const { endpointName: endpoint } = context
    const status = providerStatusOf(error)
    const kind = `${code} ${status ?? ''}`
    if (request !== undefined) this.note(kind, request)
    this.limiter.run(kind, (repeated) =>
      named(logger, context).error(
        { endpoint, transport, code, status, ...(repeated > 0 && { repeated }) },
        `A request of ${endpoint} to the data provider failed: ${messageOf(error)}`,
      ),
    )
  }

  /** A request was answered. When none fails any more as some did, that is over. */
  success(context: Context, transport: string, request: string): void {
    for (const [kind, requests] of this.failing)
      if (requests.delete(request) && requests.size === 0) this.over(kind, context, transport)
  }

  /** Forgets requests that are not made any more. */
  retain(isKept: (request: string) => boolean): void {
    for (const [kind, requests] of this.failing) {
      for (const request of requests) if (!isKept(request)) requests.delete(request)
      if (requests.size > 0) continue
      this.failing.delete(kind)
      this.limiter.over(kind)
    }
  }

  private note(kind: string, request: string): void {
    for (const [other, requests] of this.failing)
      if (other !== kind && requests.delete(request) && requests.size === 0) {
        this.failing.delete(other)
        this.limiter.over(other)
      }
    const requests = this.failing.get(kind)
    if (requests === undefined) this.failing.set(kind, new Set([request]))
    else requests.add(request)
  }

  private over(kind: string, context: Context, transport: string): void {
    this.failing.delete(kind)
    const { endpointName: endpoint } = context
    this.limiter.over(kind, ({ lastedMs }) =>
      named(logger, context).info(
        { endpoint, transport, lastedMs },
        `Requests of ${endpoint} to the data provider are answered again after ${Math.round(lastedMs / 1_000)} s`,
      ),
    )
  }

  /** RL-8: says at once what a slow pass would show much later. */
  demand(context: Context, { app, transport }: { app: App; transport: string }, needsMs: number): void {
    const { endpointName, adapterSettings } = context
    const { CACHE_MAX_AGE: lifeMs } = adapterSettings
    const labels = { ...app, adapter_endpoint: endpointName, transport }
    metrics.get('providerDemandRatio').set(labels, needsMs / lifeMs)
    if (needsMs <= lifeMs) return
    this.limiter.run('demand', (repeated) =>
      named(logger, context).warn(
        { repeated, needsMs, endpoint: endpointName, transport },
        `The rate limit has room for the requests for all wanted feeds once in ${Math.round(needsMs)} ms, and values live for ${lifeMs} ms (CACHE_MAX_AGE): they will go stale`,
      ),
    )
  }

  /** contract 10.5: a pass should not take longer than values live or feeds stay wanted. */
  pass(context: Context, tookMs: number): void {
    const { endpointName, adapterSettings } = context
    const { WARMUP_SUBSCRIPTION_TTL, CACHE_MAX_AGE } = adapterSettings
    for (const [setting, limitMs] of Object.entries({ WARMUP_SUBSCRIPTION_TTL, CACHE_MAX_AGE })) {
      if (!(tookMs > limitMs)) continue
      this.limiter.run(setting, (repeated) =>
        named(logger, context).warn(
          { repeated, tookMs },
          `Requesting all feeds of ${endpointName} took longer than ${setting} (${limitMs} ms): values go stale. The rate limit may be too low for so many`,
        ),
      )
    }
  }
}
