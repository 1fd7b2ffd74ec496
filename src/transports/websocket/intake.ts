import type WebSocket from 'ws'
import { ResultIntake, type ResultIntakeHost } from '../result-intake'
import { type EndpointContext } from '../transport'
import { type WebSocketTransportConfig, type WebsocketTransportGenerics } from './config'

const DEFAULT_MAX_MESSAGE_BYTES = 8 * 1024 * 1024

/** What the intake needs of its transport, looked up live: adapters override and assign these. */
export interface IntakeHost<T extends WebsocketTransportGenerics> extends ResultIntakeHost<T> {
  deserializeMessage(data: WebSocket.Data): T['Provider']['WsMessage']
}

/** From a frame to the cache: decode, ask the author's handler, stamp, write, all within the message event. */
export class Intake<T extends WebsocketTransportGenerics> extends ResultIntake<T> {
  constructor(
    protected override readonly host: IntakeHost<T>,
    private readonly config: WebSocketTransportConfig<T>,
  ) {
    super(host)
  }

  receive(data: WebSocket.Data, context: EndpointContext<T>): void {
    const receivedAt = Date.now()
    const size = typeof data === 'string' ? data.length : (data as Buffer).byteLength
    if (size > (this.config.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES)) {
      this.refuse('too-large', () => `a message of ${size} bytes`)
      return
    }
    let message: T['Provider']['WsMessage']
    try {
      message = this.host.deserializeMessage(data)
    } catch (error) {
      this.refuse('not-json', () => textOf(data), error)
      return
    }
    try {
      this.accept(this.config.handlers.message(message, context), receivedAt, 'handlers.message')
    } catch (error) {
      this.refuse('handler-failed', () => message, error)
    }
  }
}

/** Only what a log line will show: the limit on its length is far below this. */
const textOf = (data: WebSocket.Data): string =>
  typeof data === 'string' ? data.slice(0, 1_000) : (data as Buffer).toString('utf8', 0, 1_000)
