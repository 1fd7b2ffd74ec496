import { Merge } from '../feeds/merge'
import { mergedResponseCache } from '../feeds/merged-source'
import { type ResponseCache } from '../feeds/response-cache'
import { makeLogger } from '../util/logging'
import { type TypeFromDefinition } from '../validation/input-parameters'
import { CHILDREN, OUTAGE, outageOf } from './capabilities'
import { type Reason } from '../validation/reason'
import {
  type AdapterRequest,
  type EndpointContext,
  type Transport,
  type TransportDependencies,
  type TransportGenerics,
} from './transport'

const logger = makeLogger('CompositeTransport')

/**
 * Several transports as one (contract 10.7): all of them have the endpoint's feeds, and what is served is merged from their values. The
 * order in which they are given is their rank. Each runs by itself, so that none waits for another: whoever runs transports runs the
 * children instead of this one.
 */
export class CompositeTransport<T extends TransportGenerics> implements Transport<T> {
  name!: string
  responseCache!: ResponseCache<T>
  readonly [CHILDREN]: ReadonlyMap<string, Transport<T>>
  private readonly running = new Map<string, Promise<void>>()

  constructor(private readonly transports: Record<string, Transport<T>>) {
    this[CHILDREN] = new Map(Object.entries(transports))
  }

  /** Why there may be no value, of all children that say so. */
  get [OUTAGE](): Reason | undefined {
    const outages = this.children.flatMap(([name, child]) => {
      const outage = outageOf(child)
      return outage === undefined ? [] : [{ name, outage }]
    })
    const first = outages[0]?.outage
    if (first === undefined || outages.length === 1) return first
    const message = outages.map(({ name, outage }) => `${name}: ${outage.message}`).join('; ')
    const sinceUnixMs = Math.max(...outages.map(({ outage }) => outage.sinceUnixMs))
    return { ...first, message, sinceUnixMs }
  }

  /** Initializes all children at once, each under its own name and with a response cache of its own. */
  async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    transportName: string,
  ): Promise<void> {
    this.name = transportName
    this.responseCache = dependencies.responseCache
    const merge = new Merge(this.children.map(([name]) => name))
    await Promise.all(
      this.children.map(async ([name, child], rank) => {
        const responseCache = mergedResponseCache(transportName, this.responseCache, merge, rank)
        await child.initialize({ ...dependencies, responseCache }, adapterSettings, endpointName, name)
      }),
    )
  }

  /** Resolves when one child knows of the request, or all have failed to: one that hangs costs the others' client nothing. */
  async registerRequest(
    req: AdapterRequest<TypeFromDefinition<T['Parameters']>>,
    adapterSettings: T['Settings'],
  ): Promise<void> {
    const registrations = this.children
      .filter(([, child]) => child.registerRequest !== undefined)
      .map(([name, child]) =>
        this.succeeds(name, 'register a request', () => child.registerRequest?.(req, adapterSettings)),
      )
    const registered = registrations.map(async (registration) => {
      if (!(await registration)) throw new Error('Not registered')
    })
    await Promise.any(registered).catch(() => {})
  }

  /** For whoever knows nothing of children: one run of each, but none of a child that is still busy with its last. */
  async backgroundExecute(context: EndpointContext<T>): Promise<void> {
    await Promise.all(
      this.children.map(async ([name, child]) => {
        if (child.backgroundExecute === undefined) return
        const current = this.running.get(name)
        if (current !== undefined) return current
        const run = this.succeeds(name, 'execute in the background', () => child.backgroundExecute?.(context))
        const ended = run.then(() => void this.running.delete(name))
        this.running.set(name, ended)
        return ended
      }),
    )
  }

  async shutdown(): Promise<void> {
    await Promise.all(
      this.children.map(([name, child]) => this.succeeds(name, 'shut down', () => child.shutdown?.())),
    )
  }

  private get children(): [string, Transport<T>][] {
    return Object.entries(this.transports)
  }

  /** Never rejects: a failure is the child's, and logged. */
  private async succeeds(name: string, what: string, act: () => unknown): Promise<boolean> {
    try {
      await act()
      return true
    } catch (err) {
      logger.error({ err }, `The transport "${name}" failed to ${what}: ${String(err)}`)
      return false
    }
  }
}
