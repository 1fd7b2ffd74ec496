import { calculateHttpRequestKey } from '../../feeds/keys'
import { identifierFor } from '../../feeds/delta'
import { LogLimiter } from '../../util/log-limiter'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { goingOn, type Reason } from '../../validation/reason'
import { type EndpointContext } from '../transport'
import { type HttpTransportConfig, type HttpTransportGenerics, type ProviderRequestConfig } from './config'
import { HoldOff } from './hold-off'

const logger = makeLogger('HttpTransport')

const MIN_HOLD_MS = 1_000
const MAX_HOLD_MS = 60_000

type Params<T extends HttpTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** A request as its author made it, with a key that identifies it. */
export interface PreparedRequest<T extends HttpTransportGenerics> extends ProviderRequestConfig<T> {
  key: string
  /** What it was made with. */
  credential: string | undefined
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/**
 * Gets the requests of a pass from the author's code. If that throws for the whole list, it is called feed by feed. The feeds for which it
 * throws are left out and tried again after intervals that grow (IS-4).
 */
export class Preparation<T extends HttpTransportGenerics> {
  /** Whether params that differ only in letter case are different feeds. */
  isCaseSensitive = false
  private readonly guilty = new Map<string, Reason>()
  private readonly holds: HoldOff
  private readonly problems = new LogLimiter()
  private credential: string | undefined

  constructor(
    private readonly config: HttpTransportConfig<T>,
    onRetry: () => void,
  ) {
    this.holds = new HoldOff(onRetry)
  }

  /** @throws what `prepareRequests` throws, when it throws for every single feed (contract 10.5) */
  prepare(
    context: EndpointContext<T>,
    transportName: string,
    entries: Params<T>[],
    credential?: string,
  ): PreparedRequest<T>[] {
    this.credential = credential
    const due =
      this.guilty.size === 0
        ? entries
        : entries.filter((params) => !this.holds.isHeld(this.identityOf(params)))
    if (due.length === 0) return []
    const whole = this.attempt(context, transportName, due)
    if ('requests' in whole) {
      if (this.guilty.size > 0) for (const params of due) this.acquit(params)
      return whole.requests
    }
    const innocent: Params<T>[] = []
    const single: PreparedRequest<T>[] = []
    for (const params of due) {
      const outcome = due.length === 1 ? whole : this.attempt(context, transportName, [params])
      if ('error' in outcome) {
        this.convict(context, params, outcome.error)
        continue
      }
      this.acquit(params)
      innocent.push(params)
      single.push(...outcome.requests)
    }
    if (innocent.length === 0) {
      // All feeds failed, so the pass itself has failed. The next pass tries again.
      if (due.length === entries.length)
        for (const params of due) this.holds.succeeded(this.identityOf(params))
      throw whole.error
    }
    // Made one by one, each feed costs a request. For all good feeds together the author's code may make fewer.
    const together = this.attempt(context, transportName, innocent)
    return 'requests' in together ? together.requests : single
  }

  /** Why no request could be made for a feed. */
  outageOf(feed: string): Reason | undefined {
    return this.guilty.get(feed)
  }

  /** Forgets feeds that are not wanted any more. */
  retain(isKept: (feed: string) => boolean): void {
    for (const feed of this.guilty.keys()) if (!isKept(feed)) this.guilty.delete(feed)
    this.holds.retain(isKept)
  }

  get hasGuilty(): boolean {
    return this.guilty.size > 0
  }

  stop(): void {
    this.holds.stop()
  }

  private identityOf(params: Params<T>): string {
    return identifierFor(this.isCaseSensitive)(params)
  }

  private attempt(
    context: EndpointContext<T>,
    transportName: string,
    params: Params<T>[],
  ): { requests: PreparedRequest<T>[] } | { error: unknown } {
    try {
      const { credential } = this
      const given = credential === undefined ? [] : [{ credential }]
      const made = this.config.prepareRequests(params, context.adapterSettings, ...given)
      const requests = Array.isArray(made) ? made : [made]
      return { requests: requests.map((request) => this.complete(context, transportName, request)) }
    } catch (error) {
      return { error }
    }
  }

  private complete(
    { endpointName, adapterSettings }: EndpointContext<T>,
    transportName: string,
    made: ProviderRequestConfig<T>,
  ): PreparedRequest<T> {
    if (!isObject(made) || !Array.isArray(made.params) || !isObject(made.request))
      throw new Error('prepareRequests made something that is no request with its params')
    const { params, request, cost, endpointNameOverride } = made
    const key = calculateHttpRequestKey({
      context: {
        endpointName: endpointNameOverride ?? endpointName,
        adapterSettings: adapterSettings,
        caseSensitive: this.isCaseSensitive,
      },
      data: params,
      transportName,
    })
    return { params, request, cost, key, credential: this.credential }
  }

  private convict(context: EndpointContext<T>, params: Params<T>, error: unknown): void {
    const { endpointName } = context
    const feed = this.identityOf(params)
    const delayMs = this.holds.failed(feed, MIN_HOLD_MS, MAX_HOLD_MS)
    const now = Date.now()
    const message = "The adapter's code that makes the request to the data provider failed"
    const reason = { code: 'PREPARE_FAILED', message, nextAttemptUnixMs: now + delayMs }
    this.guilty.set(feed, goingOn(this.guilty.get(feed), reason, now))
    this.problems.run(endpointName, (repeated) =>
      named(logger, context).error(
        { err: error, repeated },
        `No request could be prepared for a feed of ${endpointName}`,
      ),
    )
  }

  private acquit(params: Params<T>): void {
    const feed = this.identityOf(params)
    if (this.guilty.delete(feed)) this.holds.succeeded(feed)
  }
}
