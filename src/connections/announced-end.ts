import { type Socket } from 'node:net'
import type WebSocket from 'ws'
import { CLOSING, destroy } from './socket'

/** How long a peer may keep a connection open after it has announced the end. */
const PATIENCE_MS = 1_000

/**
 * The announced end of a socket. A peer may send its close frame, or end its half of the TCP connection, and still keep the connection
 * open. Nothing more can come then, but the socket emits `close` only when TCP has ended. This class reports the end when it is announced,
 * and cuts off a peer that is not gone one second later (CN-2).
 */
export class AnnouncedEnd {
  private hasBegun = false
  private isOver = false
  private patience: ReturnType<typeof setTimeout> | undefined

  /** @param onBegin - called once, when the end has been announced */
  constructor(
    readonly socket: WebSocket,
    private readonly onBegin: () => void,
  ) {}

  /**
   * Observes the end on the TCP connection below the socket: the library ends our half when both close frames have been exchanged
   * (`finish`), and the end of the peer's half is `end`. These events are public, and none of them comes once per message.
   */
  watch(wire: Socket): void {
    const begin = (): void => this.begin()
    wire.once('finish', begin)
    wire.once('end', begin)
    wire.once('close', () => this.over())
  }

  /** Checks for an end of which no event tells: the author closed the socket, or the peer does not read. */
  look(): void {
    if (this.socket.readyState === CLOSING) this.begin()
  }

  /** Stops watching: the socket has closed, or other code ends it. */
  over(): void {
    this.isOver = true
    clearTimeout(this.patience)
  }

  private begin(): void {
    if (this.hasBegun || this.isOver) return
    this.hasBegun = true
    this.patience = setTimeout(() => destroy(this.socket), PATIENCE_MS)
    this.onBegin()
  }
}
