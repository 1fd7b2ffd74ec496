import './disposal'
import { type FastifyInstance } from 'fastify'
import { type Adapter, type AnyAdapter } from '../adapter/adapter'
import { prepareRequest } from '../adapter/prepare'
import { type Cache } from '../feeds/cache'
import { LocalCache } from '../feeds/local-cache'
import { type SettingsDefinitionMap } from '../config/settings'
import { renderMetrics } from '../metrics/render'
import { startAdapter } from '../service/started-adapter'
import { type AdapterDependencies, type AdapterRequest } from '../transports/transport'
import { MAX_TIMER_MS } from '../util/sleep'
import { type ChangedEnv, type Variables, withEnv } from './env'
import { guarded } from './guard'
import { parseSamples, sampleValue } from './samples'

/** How {@link serve} starts an adapter. */
export interface ServeOptions {
  /** Environment variables for as long as the adapter is served. */
  env?: Variables
  /** Dependencies to use in place of the adapter's own, as for `start`. */
  dependencies?: Partial<AdapterDependencies>
  /** Listens on a free port of 127.0.0.1, for tests that want real HTTP. Default false. */
  listen?: boolean
  /** How long {@link Served.until} lasts before it fails, in real ms. Default 20 000. */
  guardMs?: number
}

/** An answer of a served adapter. */
export interface Reply {
  statusCode: number
  /** The parsed body; undefined when it is not JSON. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a test expects of a body it says right there
  json: any
  text: string
}

/** What goes with the `data` of a request. */
export interface PostOptions {
  headers?: Record<string, string>
  endpoint?: string
}

/** An adapter that runs in this process. Ends with `stop()`, or with an `await using`. */
export interface Served<T extends SettingsDefinitionMap = SettingsDefinitionMap> extends AsyncDisposable {
  readonly adapter: Adapter<T>
  readonly api: FastifyInstance
  /** Where it listens; undefined unless asked for. */
  readonly url: string | undefined
  /** Sends a request, without a network. Like that of any client, it waits for a first value. */
  post(data?: object, options?: PostOptions): Promise<Reply>
  /**
   * Sends the request until an answer satisfies the predicate: at once, and again after each write for that feed (but not when
   * the value expires). Needs the local cache.
   *
   * @throws Error after the guard time, with the last answer
   */
  until(data: object, predicate: (reply: Reply) => boolean, options?: PostOptions): Promise<Reply>
  /**
   * The current value of the metric that has at least these labels; undefined when there is none. Metrics belong to the process;
   * the label `app_name` tells adapters apart.
   *
   * @throws Error when several samples have these labels
   */
  metric(name: string, labels?: Record<string, string>): Promise<number | undefined>
  /** Stops background work, closes servers and connections, and restores the environment. */
  stop(): Promise<void>
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const bodyOf = (data: object, { endpoint }: PostOptions): { endpoint?: string; data: object } => ({
  ...(endpoint !== undefined && { endpoint }),
  data,
})

/** The cache key of the answer to a request. */
const cacheKeyOf = (adapter: AnyAdapter, data: object, options: PostOptions): string => {
  const body = structuredClone(bodyOf(data, options))
  const request = { body, headers: options.headers ?? {} } as unknown as AdapterRequest<unknown>
  prepareRequest(adapter, request, body)
  return request.requestContext.cacheKey
}

const localCacheOf = (adapter: AnyAdapter): LocalCache => {
  const cache: Cache = adapter.dependencies.cache
  if (!(cache instanceof LocalCache)) throw new Error('until() follows the local cache, and there is another')
  return cache
}

class ServedAdapter<T extends SettingsDefinitionMap> implements Served<T> {
  url: string | undefined
  private stopped: Promise<void> | undefined

  constructor(
    readonly adapter: Adapter<T>,
    readonly api: FastifyInstance,
    private readonly of: { end: () => Promise<unknown>; env: ChangedEnv; guardMs: number | undefined },
  ) {}

  async listen(): Promise<void> {
    this.url = await this.api.listen({ host: '127.0.0.1', port: 0 })
  }

  async post(data: object = {}, options: PostOptions = {}): Promise<Reply> {
    const { statusCode, body } = await this.api.inject({
      method: 'POST',
      url: this.adapter.settings.BASE_URL,
      headers: { 'content-type': 'application/json', ...options.headers },
      payload: JSON.stringify(bodyOf(data, options)),
    })
    return { statusCode, json: parse(body), text: body }
  }

  async until(data: object, predicate: (reply: Reply) => boolean, options: PostOptions = {}): Promise<Reply> {
    const { waiters } = localCacheOf(this.adapter)
    const key = cacheKeyOf(this.adapter, data, options)
    const over = new AbortController()
    let last: Reply | undefined
    const ask = async (): Promise<Reply> => {
      do {
        // The wait begins before the request, so that a write after the answer is not missed.
        const written = waiters.wait(key, MAX_TIMER_MS, over.signal)
        last = await this.post(data, options)
        if (predicate(last)) break
        await written
      } while (!over.signal.aborted)
      return last
    }
    const wait = guarded<Reply>({
      guardMs: this.of.guardMs,
      describe: () => `an answer; the last one was ${last ? `${last.statusCode} ${last.text}` : 'still out'}`,
      begin: ({ resolve, reject }) => {
        ask().then(resolve, reject)
        return () => over.abort()
      },
    })
    return wait.finally(() => over.abort())
  }

  async metric(name: string, labels?: Record<string, string>): Promise<number | undefined> {
    return sampleValue(parseSamples(await renderMetrics()), name, labels)
  }

  stop(): Promise<void> {
    return (this.stopped ??= this.stopAll())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private async stopAll(): Promise<void> {
    await this.of.end()
    this.of.env.restore()
  }
}

/**
 * Starts an adapter for a test, without listening.
 *
 * @param adapter - the adapter, or a function that makes it. An adapter can be started once only. For an adapter, its settings are
 *   read again with `env`; a function is called after `env` has been set.
 * @throws whatever starting throws, such as a ConfigError with all bad settings; the environment has been restored then
 * @example
 * await using provider = await wsProvider()
 * await using service = await serve(makeAdapter, { env: { WS_API_ENDPOINT: provider.url } })
 * const asked = service.post({ base: 'ETH', quote: 'USD' })
 * const connection = await provider.connection()
 * await connection.next()
 * connection.send({ type: 'tick', s: 'ETH/USD', p: '1800.5', t: Date.now() })
 * expect((await asked).json.result).toBe(1800.5)
 */
export const serve = async <T extends SettingsDefinitionMap>(
  adapter: Adapter<T> | (() => Adapter<T> | Promise<Adapter<T>>),
  options: ServeOptions = {},
): Promise<Served<T>> => {
  const env = withEnv(options.env ?? {})
  try {
    const made = typeof adapter === 'function' ? await adapter() : adapter
    // Settings were read when the adapter was constructed, which may have been before these variables.
    if (typeof adapter !== 'function' && options.env !== undefined) made.config.initialize()
    const { api, metricsApi, stop } = await startAdapter(made, options.dependencies)
    if (api === undefined) throw new Error('The adapter serves no requests: EA_MODE is writer')
    const end = () => Promise.all([stop(), api.close(), metricsApi?.close()])
    const served = new ServedAdapter(made, api, { end, env, guardMs: options.guardMs })
    if (options.listen === true) await served.listen()
    return served
  } catch (error) {
    env.restore()
    throw error
  }
}
