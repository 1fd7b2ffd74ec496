import type WebSocket from 'ws'
import { type ClientSocket } from '../../connections/client-socket'
import { codeOf, textOf } from '../../connections/connection-error'
import { shownUrl } from '../../connections/connection-stats'
import { type Life } from '../../connections/retry'
import { makeLogger } from '../../util/logging'
import { type WakeSignal } from '../../util/wake-signal'
import { type RetrySettings } from '../stream-retries'
import { type EndpointContext } from '../transport'
import { type WebSocketTransportConfig, type WebsocketTransportGenerics } from './config'
import { type CredentialUse } from './credential-use'
import { type Failover } from './failover'
import { type FrameReader } from './frame-reader'
import { type SubscriptionStats } from './subscription-stats'

const logger = makeLogger('WebSocketTransport')

/**
 * The listeners of one connection. A connection that was replaced keeps them, but they do not change the state of the transport any more.
 */
export interface ConnectionHandlers {
  open: (event?: WebSocket.Event) => Promise<void> | void
  message: (event: WebSocket.MessageEvent) => void
  error: (event: WebSocket.ErrorEvent) => void
  close: (event: WebSocket.CloseEvent) => void
}

/** How the connection of a stream ended. */
export type StreamEnd = Life & { settings: RetrySettings; pauseMs: number | undefined }

interface Parts<T extends WebsocketTransportGenerics> {
  /** Read at each use, because adapters assign these members. */
  host: { readonly lastMessageReceivedAt: number; readonly connectionOpenedAt: number }
  config: WebSocketTransportConfig<T>
  client: ClientSocket<StreamEnd>
  frames: FrameReader<T>
  subscriptions: SubscriptionStats
  failover: Failover
  credential: CredentialUse<T> | undefined
  /** Woken when another connection may be opened. */
  wake: WakeSignal
}

/** Handles the events of a connection (contract 10.4, "Event behaviour"): reads messages, counts, logs, and calls the author's handlers. */
export class ConnectionEvents<T extends WebsocketTransportGenerics> {
  constructor(private readonly parts: Parts<T>) {}

  handlersFor(
    context: EndpointContext<T>,
    connection: WebSocket,
    url: string,
    onReady?: (connection: WebSocket) => void,
  ): ConnectionHandlers {
    const { config, client, frames, subscriptions } = this.parts
    const isCurrent = client.currency()
    return {
      open: async () => {
        await config.handlers.open?.(connection, context)
        onReady?.(connection)
      },
      message: (event) => {
        if (!isCurrent()) return
        frames.read(event.data, context)
        subscriptions.received++
      },
      error: (event) => this.errored(event, context, url),
      close: (event) => this.closed(event, context, url, isCurrent()),
    }
  }

  /** Listens for pongs, if the author has a handler for them. Only then, because test doubles may not have `on`. */
  listenForPongs(connection: WebSocket): void {
    const { pong } = this.parts.config.handlers
    if (pong !== undefined)
      connection.on('pong', (data: Buffer) => guarded('pong', () => pong(connection, data)))
  }

  private errored(event: WebSocket.ErrorEvent, context: EndpointContext<T>, url: string): void {
    const message = textOf(event)
    logger.warn({ code: codeOf(event), url: shownUrl(url) }, `WebSocket error: ${message}`)
    this.parts.client.stats.errored(message)
    guarded('error', () => this.parts.config.handlers.error?.(event, context))
  }

  private closed(
    event: WebSocket.CloseEvent,
    context: EndpointContext<T>,
    connectionUrl: string,
    isCurrent: boolean,
  ): void {
    const { code } = event
    const reason = typeof event.reason === 'string' && event.reason !== '' ? event.reason : 'none'
    const url = shownUrl(connectionUrl)
    this.parts.client.stats.closed(code, connectionUrl)
    if (isCurrent) this.lost(code, reason, connectionUrl, context)
    else logger.debug(`A replaced WebSocket closed (code: ${code}, reason: ${reason}). URL: ${url}`)
    guarded('close', () => this.parts.config.handlers.close?.(event, context))
  }

  /** The connection in use has closed: counts it, records why, and plans the next one after a pause. */
  private lost(code: number, reason: string, url: string, { adapterSettings }: EndpointContext<T>): void {
    const { host, client, failover, credential, wake } = this.parts
    if (code === 1000) {
      logger.debug(`WebSocket closed normally. URL: ${shownUrl(url)}`)
    } else {
      failover.add(url)
      logger.warn(
        `WebSocket closed abnormally (code: ${code}, reason: ${reason}). ` +
          `Failover counter incremented to ${failover.count}. URL: ${shownUrl(url)}`,
      )
    }
    const message = `The provider closed the connection (code: ${code}, reason: ${reason})`
    const livedMs = failover.openForMs
    const wasUsed = host.lastMessageReceivedAt >= host.connectionOpenedAt
    const isAuth = credential?.closed({ code, reason }, wasUsed) ?? false
    // The URL is not to blame for a credential that has ended.
    const pauseMs = isAuth ? undefined : failover.lost(url, livedMs, wasUsed)
    const end = { settings: adapterSettings, livedMs, wasUsed, pauseMs }
    client.lost({ code: 'CONNECTION_CLOSED', message }, end, () => wake.wake())
  }
}

/** Calls an author's handler. An error or a rejection of it is only logged. */
const guarded = (handler: string, call: () => unknown): void => {
  const failed = (err: unknown) => logger.warn({ err }, `The author's ${handler} handler failed`)
  try {
    const result = call()
    if (result instanceof Promise) result.catch(failed)
  } catch (err) {
    failed(err)
  }
}
