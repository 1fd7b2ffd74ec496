import { belongsTo, ownerOf } from '../../../util/line-owner'
import type WebSocket from 'ws'
import { ClientSocket, type Place } from '../../../connections/client-socket'
import { UNCOUNTED } from '../../../connections/connection-stats'
import { Retry } from '../../../connections/retry'
import { StreamIntake, type StreamIntakeHost } from '../../stream-intake'
import { afterClose } from '../../stream-retries'
import { type EndpointContext } from '../../transport'
import { type BatchHost, type Batching } from '../batches/batching'
import { messageBuilder, tellIn } from '../builders'
import { type WebSocketTransportConfig, type WebsocketTransportGenerics } from '../config'
import { ConnectionEvents, type StreamEnd } from '../connection-events'
import { FrameReader } from '../frame-reader'
import { type Params } from './care'
import { type LaneMaker, type LaneParts, type LaneTransport } from './lane'
import { LaneIntake } from './lane-intake'

/** The members that tell of a connection, where there is none yet. */
const NO_CONNECTION = {
  wsConnection: undefined,
  currentUrl: '',
  lastMessageReceivedAt: 0,
  connectionOpenedAt: 0,
  providerDataStreamEstablished: 0,
  streamHandlerInvocationsWithNoConnection: 0,
  heartbeatInterval: undefined,
  localSubscriptions: [],
}

/** What lanes are made of. */
export interface LaneOrigin<T extends WebsocketTransportGenerics> {
  /** The transport with the main connection. */
  transport: LaneTransport<T> &
    Place &
    StreamIntakeHost<T> &
    BatchHost<T> & {
      stopHeartbeat(): void
      deserializeMessage(data: WebSocket.Data): T['Provider']['WsMessage']
    }
  config: WebSocketTransportConfig<T>
  batching: Batching<T> | undefined
  /** Whether messages wait for their turn on a connection. */
  isHolding: (connection: WebSocket | undefined) => boolean
  /** Resolves when more may be sent on any connection, or when it is time to look. */
  room: () => Promise<void>
  drawMaxAge: () => number
}

/**
 * What a `Lane` is made of: the transport with another connection in its place. The author's methods act on that one, and on no
 * member of the transport that has to do with a connection. Closes and errors of a lane are not told to the author.
 */
export const lanePartsOf = <T extends WebsocketTransportGenerics>(
  of: LaneOrigin<T>,
  { onFrame, onHeard, onLost, ...listener }: Parameters<LaneMaker<T>>[0],
): LaneParts<T> => {
  const transport = Object.create(of.transport) as typeof of.transport
  const client: ClientSocket<StreamEnd> = new ClientSocket(
    transport,
    new Retry(afterClose),
    () => transport.stopHeartbeat(),
    UNCOUNTED,
  )
  const intake =
    onHeard === undefined ? new StreamIntake<T>(transport) : new LaneIntake<T>(transport, onHeard)
  // What was asked for and answered is kept for each connection.
  const batching = of.batching?.forLane(transport, intake, listener)
  const config = configOf(of.config, batching)
  const reader = new FrameReader<T>(transport, config, intake)
  const frames = {
    read: (data: WebSocket.Data, context: EndpointContext<T>) => {
      reader.read(data, context)
      onFrame()
    },
    broken: (error: unknown) => reader.broken(error),
  }
  const handlers = { open: config.handlers.open }
  const counts = { received: 0 }
  const connectionEvents = new ConnectionEvents<T>({ handlers, client, frames, counts, onLost })
  const owner = ownerOf(of.transport)
  if (owner !== undefined) belongsTo(transport, owner)
  Object.assign(transport, { ...NO_CONNECTION, clientSocket: client, intake, connectionEvents })
  if (batching !== undefined)
    Object.assign(transport, {
      config,
      batching,
      subscriptionMessageBuilder: messageBuilder(config.builders, tellIn(intake)),
    })
  const options = (context: EndpointContext<T>, feeds: Params<T>[]) => config.options?.(context, feeds)
  return {
    transport,
    client,
    batching,
    counts,
    options,
    maxAgeMs: of.drawMaxAge(),
    isHolding: () => of.isHolding(transport.wsConnection) || batching?.isHeldBack === true,
    reasonFor: (feed) => batching?.reasonFor(feed),
    room: of.room,
    stop: () => intake.stop(),
  }
}

const configOf = <T extends WebsocketTransportGenerics>(
  config: WebSocketTransportConfig<T>,
  batching: Batching<T> | undefined,
): WebSocketTransportConfig<T> => {
  const own = batching?.plainConfig()
  if (own === undefined) return config
  const handlers = { ...own.handlers, open: config.handlers.open }
  return { ...config, ...own, url: config.url, handlers }
}
