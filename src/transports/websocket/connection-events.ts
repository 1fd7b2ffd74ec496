import type WebSocket from 'ws'
import { type ClientSocket } from '../../connections/client-socket'
import { codeOf, textOf } from '../../connections/connection-error'
import { shownUrl } from '../../connections/connection-stats'
import { judge, verdictOf } from '../../connections/socket'
import { type Life } from '../../connections/retry'
import { named } from '../../util/line-owner'
import { type OutageLines } from '../../connections/outage-lines'
import { makeLogger } from '../../util/logging'
import { type RetrySettings } from '../stream-retries'
import { type EndpointContext } from '../transport'
import { type WebSocketTransportConfig, type WebsocketTransportGenerics } from './config'
import { type FrameReader } from './frame-reader'

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

/** A connection that has closed while it was the one in use. */
export interface LostConnection<T extends WebsocketTransportGenerics> {
  code: number
  /** In the provider's words; `none` where it gave none. */
  reason: string
  url: string
  context: EndpointContext<T>
  /** Whether we have ended it ourselves, because it did not answer or did not read. */
  isOurDoing: boolean
}

interface Parts<T extends WebsocketTransportGenerics> {
  handlers: Omit<WebSocketTransportConfig<T>['handlers'], 'message'>
  client: ClientSocket<StreamEnd>
  frames: Pick<FrameReader<T>, 'read' | 'broken'>
  /** Number of messages received. */
  counts: { received: number }
  onLost: (lost: LostConnection<T>) => void
  /** What is logged of outages; undefined where the owner of the connection tells of them. */
  outages?: OutageLines
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
    const { handlers, client, frames, counts } = this.parts
    const isCurrent = client.currency()
    return {
      open: async () => {
        await handlers.open?.(connection, context)
        onReady?.(connection)
      },
      message: (event) => {
        if (!isCurrent()) return
        frames.read(event.data, context)
        counts.received++
      },
      error: (event) => {
        this.errored(event, context, url)
        if (isCurrent()) this.broken(event, connection)
      },
      close: (event) => {
        const isOurDoing = verdictOf(connection)?.code === 'UNRESPONSIVE'
        this.closed(event, { context, url, isOurDoing }, isCurrent())
      },
    }
  }

  /** Listens for pongs, if the author has a handler for them. Only then, because test doubles may not have `on`. */
  listenForPongs(connection: WebSocket, context: EndpointContext<T>): void {
    const { pong } = this.parts.handlers
    if (pong !== undefined)
      connection.on('pong', (data: Buffer) => guarded('pong', context, () => pong(connection, data)))
  }

  private errored(event: WebSocket.ErrorEvent, context: EndpointContext<T>, url: string): void {
    const code = codeOf(event)
    const line = { fields: { code, url: shownUrl(url) }, text: `WebSocket error: ${textOf(event)}` }
    const { outages, client } = this.parts
    if (outages === undefined) logger.debug(line.fields, line.text)
    else outages.failed({ level: 'warn', ...line, logger, isCounted: true })
    client.stats.errored(code)
    guarded('error', context, () => this.parts.handlers.error?.(event, context))
  }

  /** After a frame that it does not take, the library closes politely and reads no more. A provider that still sends is cut off a second later. */
  private broken({ error }: WebSocket.ErrorEvent, connection: WebSocket): void {
    const verdict = this.parts.frames.broken(error)
    if (verdict === undefined) return
    judge(connection, verdict)
    this.parts.client.look()
  }

  private closed(
    event: WebSocket.CloseEvent,
    of: Omit<LostConnection<T>, 'code' | 'reason'>,
    isCurrent: boolean,
  ): void {
    const { code } = event
    const reason = typeof event.reason === 'string' && event.reason !== '' ? event.reason : 'none'
    const url = shownUrl(of.url)
    this.parts.client.stats.closed(code, of.url)
    if (isCurrent) this.parts.onLost({ ...of, code, reason })
    else logger.debug(`A replaced WebSocket closed (code: ${code}, reason: ${reason}). URL: ${url}`)
    guarded('close', of.context, () => this.parts.handlers.close?.(event, of.context))
  }
}

/** Calls an author's handler. An error or a rejection of it is only logged. */
const guarded = (handler: string, context: object, call: () => unknown): void => {
  const failed = (err: unknown) =>
    named(logger, context).warn({ err }, `The author's ${handler} handler failed`)
  try {
    const result = call()
    if (result instanceof Promise) result.catch(failed)
  } catch (err) {
    failed(err)
  }
}
