import type WebSocket from 'ws'
import { type ClientSocket } from '../../connections/client-socket'
import { shownUrl } from '../../connections/connection-stats'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { type EndpointContext } from '../transport'
import { type Batching } from './batches/batching'
import { type Params } from './care/care'
import { type LaneParts } from './care/lane'
import { type WebsocketTransportGenerics } from './config'
import { type ConnectionEvents, type ConnectionHandlers, type StreamEnd } from './connection-events'
import { type SubscriptionStats } from './subscription-stats'

const logger = makeLogger('WebSocketTransport')

interface MainConnection<T extends WebsocketTransportGenerics> {
  transport: {
    currentUrl: string
    connectionOpenedAt: number
    providerDataStreamEstablished: number
    lastMessageReceivedAt: number
    buildConnectionHandlers(context: EndpointContext<T>, connection: WebSocket): ConnectionHandlers
    startHeartbeat(context: EndpointContext<T>): void
  }
  client: ClientSocket<StreamEnd>
  events: ConnectionEvents<T>
  stats: SubscriptionStats
  batching: Batching<T> | undefined
}

/**
 * Puts the open connection of a lane in the place of the main one, which is closed. The public members and the counters tell of it as after
 * a reconnect, and from the same tick on nothing that the old connection still sends is heard (CN-1).
 */
export const handOver = <T extends WebsocketTransportGenerics>(
  { transport, client, events, stats, batching }: MainConnection<T>,
  context: EndpointContext<T>,
  { connection, parts, feeds }: { connection: WebSocket; parts: LaneParts<T>; feeds: Params<T>[] },
): void => {
  const { transport: lane } = parts
  named(logger, context).info(
    { url: shownUrl(lane.currentUrl) },
    'The next connection takes the place of the one in use',
  )
  transport.currentUrl = lane.currentUrl
  transport.connectionOpenedAt = lane.connectionOpenedAt
  transport.providerDataStreamEstablished = lane.providerDataStreamEstablished
  transport.lastMessageReceivedAt = Math.max(transport.lastMessageReceivedAt, lane.lastMessageReceivedAt)
  if (parts.batching !== undefined) batching?.takeOver(parts.batching)
  client.adopt(connection, () => transport.buildConnectionHandlers(context, connection))
  events.listenForPongs(connection, context)
  transport.startHeartbeat(context)
  stats.keepOnly(context, feeds)
  stats.received += parts.counts.received
  stats.subscribed(context, feeds, lane.subscriptionMessageBuilder !== undefined)
}
