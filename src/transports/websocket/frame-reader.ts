import type WebSocket from 'ws'
import { MAX_FRAME_BYTES, type SocketOptions } from '../../connections/new-socket'
import { type Verdict } from '../../connections/socket'
import { arrival } from '../../util/clock'
import { memberOf, messageOf } from '../../util/objects'
import { type StreamIntake } from '../stream-intake'
import { type EndpointContext } from '../transport'
import { type WebSocketTransportConfig, type WebsocketTransportGenerics } from './config'

const DEFAULT_MAX_MESSAGE_BYTES = 8 * 1024 * 1024

/** The options of a connection on which messages may be longer than other connections take. */
export const withRoomFor = (
  maxMessageBytes: number | undefined,
  options: SocketOptions | undefined,
): SocketOptions | undefined =>
  maxMessageBytes !== undefined && maxMessageBytes > MAX_FRAME_BYTES
    ? { maxPayload: maxMessageBytes, ...options }
    : options

/** How the library names frames that are none, or that it does not take. */
const BROKEN = /^WS_ERR_/

/** Those of them by which a provider would fill our memory: a message that is too long, also inflated, or has too many parts. */
const TOO_LARGE = new Set<unknown>(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_TOO_MANY_BUFFERED_PARTS'])

/** Reads a frame: checks its size, decodes it, calls the author's handler, and passes the results to the intake. */
export class FrameReader<T extends WebsocketTransportGenerics> {
  /** @param host - read at each use, because adapters override and assign how messages are decoded */
  constructor(
    private readonly host: { deserializeMessage(data: WebSocket.Data): T['Provider']['WsMessage'] },
    private readonly config: WebSocketTransportConfig<T>,
    private readonly intake: StreamIntake<T>,
  ) {}

  /** Why a connection ends whose frames cannot be read; undefined for any other error of it. What is too large is counted. */
  broken(error: unknown): Verdict | undefined {
    const code = memberOf(error, 'code')
    if (typeof code !== 'string' || !BROKEN.test(code)) return undefined
    if (TOO_LARGE.has(code)) this.intake.refuse('too-large', () => 'a message that is not kept', error)
    return { code: 'PROTOCOL_VIOLATED', message: `The provider sent what is not taken: ${messageOf(error)}` }
  }

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
