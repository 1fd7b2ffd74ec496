import { type ConnectionCounts } from '../../connections/connection-stats'
import { makeLogger } from '../../util/logging'
import { WallMark } from '../../util/clock'

const logger = makeLogger('WebSocketTransport')

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

  constructor(
    private readonly host: FailoverHost,
    private readonly stats: ConnectionCounts,
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

  /** Whether, since the connection opened, nothing usable has come for longer than the settings allow. If so, it is counted. */
  addIfUnresponsive(settings: { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: number }): boolean {
    const { lastMessageReceivedAt, connectionOpenedAt, currentUrl } = this.host
    const sinceMessage = this.lastMessage.msSince(lastMessageReceivedAt)
    const activity = Math.min(sinceMessage, this.opened.msSince(connectionOpenedAt))
    if (activity === 0 || activity <= settings.WS_SUBSCRIPTION_UNRESPONSIVE_TTL) return false
    this.add(currentUrl)
    // The first attempts are counted too, but before the first connection the log line would give the time since 1970.
    if (connectionOpenedAt > 0)
      logger.info(
        `Nothing usable received for ${Math.round(activity)} ms. Failover counter incremented to ${this.count}`,
      )
    return true
  }
}
