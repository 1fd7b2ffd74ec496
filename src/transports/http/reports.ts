import { providerStatusOf } from '../../outbound-http/provider-error'
import { type App } from '../../metrics/labels'
import { metrics } from '../../metrics/registry'
import { messageOf } from '../../util/objects'
import { LogLimiter } from '../../util/log-limiter'
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

  failure(code: string, { endpointName: endpoint }: Context, transport: string, error: unknown): void {
    const status = providerStatusOf(error)
    this.limiter.run(`${code} ${status ?? ''}`, (repeated) =>
      logger.error(
        { endpoint, transport, code, status, repeated },
        `A request of ${endpoint} to the data provider failed: ${messageOf(error)}`,
      ),
    )
  }

  /** RL-8: says at once what a slow pass would show much later. */
  demand(
    { endpointName, adapterSettings }: Context,
    { app, transport }: { app: App; transport: string },
    needsMs: number,
  ): void {
    const { CACHE_MAX_AGE: lifeMs } = adapterSettings
    const labels = { ...app, adapter_endpoint: endpointName, transport }
    metrics.get('providerDemandRatio').set(labels, needsMs / lifeMs)
    if (needsMs <= lifeMs) return
    this.limiter.run('demand', (repeated) =>
      logger.warn(
        { repeated, needsMs, endpoint: endpointName, transport },
        `The rate limit has room for the requests for all wanted feeds once in ${Math.round(needsMs)} ms, and values live for ${lifeMs} ms (CACHE_MAX_AGE): they will go stale`,
      ),
    )
  }

  /** contract 10.5: a pass should not take longer than values live or feeds stay wanted. */
  pass({ endpointName, adapterSettings }: Context, tookMs: number): void {
    const { WARMUP_SUBSCRIPTION_TTL, CACHE_MAX_AGE } = adapterSettings
    for (const [setting, limitMs] of Object.entries({ WARMUP_SUBSCRIPTION_TTL, CACHE_MAX_AGE })) {
      if (!(tookMs > limitMs)) continue
      this.limiter.run(setting, (repeated) =>
        logger.warn(
          { repeated, tookMs },
          `Requesting all feeds of ${endpointName} took longer than ${setting} (${limitMs} ms): values go stale. The rate limit may be too low for so many`,
        ),
      )
    }
  }
}
