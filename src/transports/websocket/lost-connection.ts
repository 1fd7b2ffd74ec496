import { type ClientSocket } from '../../connections/client-socket'
import { shownUrl } from '../../connections/connection-stats'
import { named } from '../../util/line-owner'
import { type OutageLines } from '../../connections/outage-lines'
import { makeLogger } from '../../util/logging'
import { type WakeSignal } from '../../util/wake-signal'
import { type WebsocketTransportGenerics } from './config'
import { type LostConnection, type StreamEnd } from './connection-events'
import { type CredentialUse } from './credential-use'
import { type Failover } from './failover'

const logger = makeLogger('WebSocketTransport')

/**
 * Takes the loss of the main connection (contract 10.4): counts it, records why, and plans the next connection, after a pause. A close that
 * is laid to single feeds is no failure of the connection: it is not counted, and the next one is opened at once.
 */
export class Losses<T extends WebsocketTransportGenerics> {
  constructor(
    private readonly of: {
      /** Read at each use, because adapters assign these members. */
      host: { readonly lastMessageReceivedAt: number; readonly connectionOpenedAt: number }
      client: ClientSocket<StreamEnd>
      failover: Failover
      credential: CredentialUse<T> | undefined
      /** Woken when another connection may be opened. */
      wake: WakeSignal
      outages: OutageLines
      isLaidToFeeds: (lost: LostConnection<T>) => boolean
    },
  ) {}

  take(lost: LostConnection<T>): void {
    const { client, failover, credential, wake } = this.of
    const { code, reason, url, context } = lost
    const why = {
      code: 'CONNECTION_CLOSED',
      message: `The provider closed the connection (code: ${code}, reason: ${reason})`,
    }
    const { lastMessageReceivedAt, connectionOpenedAt } = this.of.host
    const wasUsed = lastMessageReceivedAt >= connectionOpenedAt
    const isAuth = credential?.closed(lost, wasUsed) ?? false
    if (!isAuth && !lost.isOurDoing && this.of.isLaidToFeeds(lost)) {
      named(logger, context).info(
        { code, reason, url: shownUrl(url) },
        'The connection is opened again without some feeds',
      )
      client.lostWithoutFault(why)
      return wake.wake()
    }
    this.say(lost)
    const livedMs = failover.openForMs
    // The URL is not to blame for a credential that has ended.
    const pauseMs = isAuth ? undefined : failover.lost(url, livedMs, wasUsed)
    const end = { settings: context.adapterSettings, livedMs, wasUsed, pauseMs }
    client.lost(why, end, () => wake.wake())
  }

  private say({ code, reason, url }: LostConnection<T>): void {
    const { failover } = this.of
    if (code === 1000) return logger.debug(`WebSocket closed normally. URL: ${shownUrl(url)}`)
    failover.add(url)
    this.of.outages.failed({
      level: 'warn',
      text:
        `WebSocket closed abnormally (code: ${code}, reason: ${reason}). ` +
        `Failover counter incremented to ${failover.count}. URL: ${shownUrl(url)}`,
      logger,
      isCounted: true,
    })
  }
}
