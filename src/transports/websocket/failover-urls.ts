import { type SocketOptions } from '../../connections/new-socket'
import { connectionError } from '../../connections/connection-error'
import { shownUrl } from '../../connections/connection-stats'
import { Prober } from '../../connections/probe'
import { UrlChoice, type UrlFailure } from '../../connections/url-choice'
import { metrics } from '../../metrics/registry'
import { exponentialBackoff } from '../../util/backoff'
import { monotonicMs } from '../../util/clock'
import { named } from '../../util/line-owner'
import { LogLimiter } from '../../util/log-limiter'
import { makeLogger } from '../../util/logging'
import { sleep } from '../../util/sleep'
import { type WakeSignal } from '../../util/wake-signal'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { WAKE } from '../capabilities'
import { type EndpointContext } from '../transport'
import {
  type WebSocketTransportConfig,
  type WebsocketTransportGenerics,
  type WebSocketUrlsConfig,
} from './config'
import { appOf } from '../../metrics/labels'
import { type Failover } from './failover'

const logger = makeLogger('WebSocketTransport')

const DWELL_MS = 60_000
const RETURN_AFTER_MS = 300_000
/** The longest pause between two attempts at one URL. The settings may make it shorter. */
const MAX_REST_MS = 30_000

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** What it has to know of its transport. Read at each use. */
interface Host {
  readonly [WAKE]: WakeSignal
  readonly name: string
  readonly currentUrl: string
  readonly responseCache: object
  connectionClosed(): boolean
}

interface Parts<T extends WebsocketTransportGenerics> {
  host: Host
  config: Pick<
    WebSocketUrlsConfig<T>,
    'urls' | 'failover' | 'options' | 'singleConnection' | 'makeBeforeBreak'
  >
}

interface Pass<T extends WebsocketTransportGenerics> {
  context: EndpointContext<T>
  desired: Params<T>[]
  /** Whether nothing usable has come on the connection in use for too long. */
  isUnresponsive: boolean
}

/** What a URL is known by: without its query, which may hold a credential that changes. */
const keysOf = (urls: readonly string[]): Map<string, string> => {
  const keys = urls.map(shownUrl)
  const isUnique = new Set(keys).size === new Set(urls).size
  return new Map(urls.map((url, at) => [isUnique ? keys[at]! : url, url]))
}

/**
 * Chooses the URL of a transport that has several (`urls`), by their health (FO-1): see {@link UrlChoice}. It is asked on every pass, so it
 * needs no timer: an idle transport neither probes nor counts anything.
 */
export class FailoverUrls<T extends WebsocketTransportGenerics> {
  private choice: UrlChoice | undefined
  private urls = new Map<string, string>()
  private readonly prober = new Prober()
  private readonly moves = new LogLimiter()
  private readonly stopping = new AbortController()

  constructor(private readonly parts: Parts<T>) {}

  /**
   * The URL that there should be a connection to now. Where all of them rest after failures, it resolves when the first one may be tried.
   *
   * @throws what the author's function throws; AdapterConnectionError `URL_FAILED` where the list is empty
   */
  async urlFor(pass: Pass<T>): Promise<string> {
    const { context, desired, isUnresponsive } = pass
    const { host } = this.parts
    const choice = (this.choice ??= this.choiceFor(context.adapterSettings))
    await this.list(choice, context)
    const isOpen = !host.connectionClosed()
    if (desired.length === 0 && isOpen) return host.currentUrl
    if (isUnresponsive && isOpen) this.failed(host.currentUrl, { reason: 'unresponsive' })
    const isBeside = isOpen && !isUnresponsive && this.isMadeBeforeBroken
    const key = isBeside ? this.chosenBeside(choice) : await this.chosen(choice)
    // A URL is in use when there is a connection to it.
    const isMove = isBeside && key !== this.keyOf(host.currentUrl)
    if (desired.length > 0 && !isMove) this.use(choice, key, context)
    if (isOpen) this.lookAhead(choice, pass)
    return this.urls.get(key) ?? key
  }

  /** The connection beside the one in use, with which another URL was to be moved to, did not come up. */
  moveFailed(url: string): void {
    if (this.keyOf(url) !== this.keyOf(this.parts.host.currentUrl)) this.failed(url, { reason: 'failed' })
  }

  /** An attempt at this URL has failed, or a connection to it has ended. */
  failed(url: string, how: UrlFailure): void {
    this.choice?.failed(this.keyOf(url), monotonicMs(), how)
  }

  /** How long the next attempt has to wait, at whichever URL it is; undefined before the first one. */
  get pauseMs(): number | undefined {
    return this.choice?.choose(monotonicMs()).waitMs
  }

  /** Stops for good. When the promise resolves, no socket of a probe is left. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.prober.gone()
  }

  private async list(choice: UrlChoice, context: EndpointContext<T>): Promise<void> {
    const { urls } = this.parts.config
    const listed = typeof urls === 'function' ? await urls(context) : urls
    if (listed.length === 0) throw connectionError('URL_FAILED', 'There is no URL to connect to')
    this.urls = keysOf(listed)
    choice.list([...this.urls.keys()], monotonicMs())
  }

  private async chosen(choice: UrlChoice): Promise<string> {
    for (;;) {
      const { url, waitMs } = choice.choose(monotonicMs())
      if (!(waitMs > 0) || this.stopping.signal.aborted) return url
      await sleep(waitMs, this.stopping.signal)
    }
  }

  /** The connection in use goes on until another URL may be tried. */
  private chosenBeside(choice: UrlChoice): string {
    const { url, waitMs } = choice.choose(monotonicMs())
    return waitMs > 0 ? this.keyOf(this.parts.host.currentUrl) : url
  }

  private get isMadeBeforeBroken(): boolean {
    const { makeBeforeBreak, singleConnection } = this.parts.config
    return makeBeforeBreak === true && singleConnection !== true
  }

  private use(choice: UrlChoice, key: string, { endpointName }: EndpointContext<T>): void {
    const former = choice.use(key, monotonicMs())
    if (former === undefined) return
    const { leaveReason: reason } = choice
    const { name: transport, responseCache } = this.parts.host
    const move = { from: shownUrl(former), to: shownUrl(key), reason }
    this.moves.run(reason, (repeated) =>
      named(logger, this.parts.host).info(
        repeated > 0 ? { ...move, repeated } : move,
        'Moving to another URL',
      ),
    )
    const labels = { ...appOf(responseCache), adapter_endpoint: endpointName, transport, reason }
    metrics.get('wsUrlSwitches').inc(labels)
  }

  /** Probes a better URL, if it is time for that. */
  private lookAhead(choice: UrlChoice, pass: Pass<T>): void {
    const key = choice.probe(monotonicMs())
    if (key === undefined) return
    const url = this.urls.get(key) ?? key
    const done = (isGood: boolean): void => {
      choice.probed(isGood, monotonicMs())
      if (isGood) this.parts.host[WAKE].wake()
    }
    this.probe(url, pass).then(
      () => done(true),
      (err: unknown) => {
        logger.debug({ err, url: shownUrl(url) }, 'A better URL was probed, and is not usable')
        done(false)
      },
    )
  }

  private async probe(url: string, { context, desired }: Pass<T>): Promise<void> {
    const { failover, options, singleConnection } = this.parts.config
    const timeoutMs = context.adapterSettings.WS_CONNECTION_OPEN_TIMEOUT
    const { signal } = this.stopping
    const own = failover?.probe
    if (own !== undefined)
      return this.prober.own(timeoutMs, signal, async (ending) => own(url, context, ending))
    // A second connection would cost us the first one.
    if (singleConnection) return this.prober.reachable({ url, timeoutMs }, signal)
    const clientOptions = async (): Promise<SocketOptions | undefined> => options?.(context, desired)
    return this.prober.handshake({ url, timeoutMs, options: clientOptions }, signal)
  }

  private keyOf(url: string): string {
    const key = shownUrl(url)
    return this.urls.has(key) ? key : url
  }

  private choiceFor(settings: T['Settings']): UrlChoice {
    const { dwellMs = DWELL_MS, returnAfterMs = RETURN_AFTER_MS } = this.parts.config.failover ?? {}
    // What a return may take beside its pause: the dwell time, a probe that was begun too early, and the one that is good.
    const spentMs = dwellMs + 2 * settings.WS_CONNECTION_OPEN_TIMEOUT + settings.BACKGROUND_EXECUTE_MS_WS
    const backoff = exponentialBackoff({
      minMs: settings.STREAM_HANDLER_RETRY_MIN_MS,
      maxMs: Math.min(settings.STREAM_HANDLER_RETRY_MAX_MS, MAX_REST_MS),
      factor: settings.STREAM_HANDLER_RETRY_EXP_FACTOR,
    })
    return new UrlChoice({ dwellMs, maxPauseMs: Math.max(dwellMs, returnAfterMs - spentMs), backoff })
  }
}

type Config<T extends WebsocketTransportGenerics> = WebSocketTransportConfig<T> | WebSocketUrlsConfig<T>

const hasUrls = <T extends WebsocketTransportGenerics>(config: Config<T>): config is WebSocketUrlsConfig<T> =>
  'urls' in config && config.urls !== undefined

/**
 * What chooses among the URLs of a transport; undefined where it has one `url`.
 *
 * @throws Error where both are given
 */
export const failoverUrlsOf = <T extends WebsocketTransportGenerics>(
  host: Host,
  config: Config<T>,
): FailoverUrls<T> | undefined => {
  if (!hasUrls(config)) return undefined
  if ((config as { url?: unknown }).url !== undefined)
    throw new Error('A WebSocket transport has either "url" or "urls", not both')
  return new FailoverUrls({ host, config })
}

/** The configuration with a `url` for every pass, whether one is given or several are. */
export const withUrl = <T extends WebsocketTransportGenerics>(
  config: Config<T>,
  urls: FailoverUrls<T> | undefined,
  failover: Failover,
): WebSocketTransportConfig<T> => {
  if (!hasUrls(config)) return config
  return {
    ...config,
    url: (context, desired) => urls!.urlFor({ context, desired, isUnresponsive: failover.isUnresponsive }),
  }
}
