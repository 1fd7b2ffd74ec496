import { type ConnectionCounts } from '../../connections/connection-stats'
import { type UrlFailure } from '../../connections/url-choice'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { WallMark } from '../../util/clock'

const logger = makeLogger('WebSocketTransport')

/** What is said of a connection that is open and brings nothing. */
export const UNRESPONSIVE = {
  code: 'UNRESPONSIVE',
  message: 'Nothing usable has come on the connection for too long: it is replaced',
} as const

/** Read at each use, because adapters assign these members. */
export interface FailoverHost {
  readonly name: string
  readonly currentUrl: string
  readonly lastMessageReceivedAt: number
  readonly connectionOpenedAt: number
  streamHandlerInvocationsWithNoConnection: number
}

/**
 * The counter with which adapters choose among URLs (contract 17.1). It grows with every abnormal close and every unresponsive pass, and is
 * never reset.
 */
export class Failover {
  private readonly lastMessage = new WallMark()
  private readonly opened = new WallMark()
  /** Whether the last call of {@link addIfUnresponsive} found it so. */
  isUnresponsive = false
  private attemptPauseMs: number | undefined

  /**
   * @param urls - is told of failures too, where the transport has several URLs
   * @param isOut - whether an outage goes on of which people were told
   */
  constructor(
    private readonly host: FailoverHost,
    private readonly stats: ConnectionCounts,
    private readonly urls?: {
      failed(url: string, how: UrlFailure): void
      readonly pauseMs: number | undefined
    },
    private readonly isOut: () => boolean = () => false,
  ) {}

  /** How long ago the connection was opened, in ms. */
  get openForMs(): number {
    return this.opened.msSince(this.host.connectionOpenedAt)
  }

  get count(): number {
    return this.host.streamHandlerInvocationsWithNoConnection
  }

  add(url: string): void {
    this.host.streamHandlerInvocationsWithNoConnection += 1
    this.stats.failedOver(this.host.name, url, this.count)
  }

  /**
   * A connection has ended. Returns how long the next attempt has to wait, in ms, where that is not for the settings to say.
   */
  lost(url: string, livedMs: number, wasUseful: boolean): number | undefined {
    this.urls?.failed(url, { reason: 'closed', livedMs, wasUseful })
    return this.urls?.pauseMs
  }

  /** An attempt to connect has failed. */
  attemptFailed(url: string): void {
    this.urls?.failed(url, { reason: 'failed' })
    this.attemptPauseMs = this.urls?.pauseMs
  }

  /** How long to wait after the pass in which an attempt failed, in ms; undefined where that is for the settings to say. */
  takePause(): number | undefined {
    const { attemptPauseMs } = this
    this.attemptPauseMs = undefined
    return attemptPauseMs
  }

  /** Whether, since the connection opened, nothing usable has come for longer than the settings allow. If so, it is counted. */
  addIfUnresponsive(settings: { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: number }): boolean {
    const { lastMessageReceivedAt, connectionOpenedAt, currentUrl } = this.host
    const sinceMessage = this.lastMessage.msSince(lastMessageReceivedAt)
    const activity = Math.min(sinceMessage, this.opened.msSince(connectionOpenedAt))
    this.isUnresponsive = activity !== 0 && activity > settings.WS_SUBSCRIPTION_UNRESPONSIVE_TTL
    if (!this.isUnresponsive) return false
    this.add(currentUrl)
    // The first attempts are counted too, but before the first connection the log line would give the time since 1970.
    if (connectionOpenedAt > 0)
      named(logger, this.host)[this.isOut() ? 'debug' : 'info'](
        `Nothing usable received for ${Math.round(activity)} ms. Failover counter incremented to ${this.count}`,
      )
    return true
  }
}
