import type WebSocket from 'ws'
import { arrival } from '../../util/clock'
import { type StreamIntake } from '../stream-intake'
import { type EndpointContext } from '../transport'
import { type WebSocketTransportConfig, type WebsocketTransportGenerics } from './config'

const DEFAULT_MAX_MESSAGE_BYTES = 8 * 1024 * 1024

/** Reads a frame: checks its size, decodes it, calls the author's handler, and passes the results to the intake. */
export class FrameReader<T extends WebsocketTransportGenerics> {
  /** @param host - read at each use, because adapters override and assign how messages are decoded */
  constructor(
    private readonly host: { deserializeMessage(data: WebSocket.Data): T['Provider']['WsMessage'] },
    private readonly config: WebSocketTransportConfig<T>,
    private readonly intake: StreamIntake<T>,
  ) {}

  read(data: WebSocket.Data, context: EndpointContext<T>): void {
    const at = arrival()
    const size = typeof data === 'string' ? data.length : (data as Buffer).byteLength
    if (size > (this.config.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES)) {
      this.intake.refuse('too-large', () => `a message of ${size} bytes`)
      return
    }
    let message: T['Provider']['WsMessage']
    try {
      message = this.host.deserializeMessage(data)
    } catch (error) {
      this.intake.refuse('not-json', () => textOf(data), error)
      return
    }
    try {
      const results = this.config.handlers.message(message, context)
      if (this.intake.records.isOn) this.intake.keepRaw(results, data)
      this.intake.accept(results, at, 'handlers.message')
    } catch (error) {
      this.intake.handlerFailed(() => message, error)
    }
  }
}

/** Only for a log line, which is cut after its secrets are out. */
const textOf = (data: WebSocket.Data): string =>
  typeof data === 'string' ? data : (data as Buffer).toString('utf8')
