import { type Socket } from 'node:net'
import type WebSocket from 'ws'
import { CLOSING, destroy } from './socket'

/** How long a peer may keep a connection that it has taken leave of. */
const PATIENCE_MS = 1_000

/**
 * The announced end of a socket. A peer may send its close frame, or the end of its half of TCP, and keep the connection: nothing more can
 * come, but a socket tells of its end only when TCP has ended. Here that is told within the announcement, and a peer that has not gone a
 * second later is cut off (CN-2).
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
   * Hears of the end from what the socket runs on: the library ends its own half once both close frames are through, and the peer's half
   * ends with `end`. Public events, and none of them comes per message.
   */
  watch(wire: Socket): void {
    const begin = (): void => this.begin()
    wire.once('finish', begin)
    wire.once('end', begin)
    wire.once('close', () => this.over())
  }

  /** Notices an end that nobody told of: of a socket that an author closed, or whose peer reads nothing. */
  look(): void {
    if (this.socket.readyState === CLOSING) this.begin()
  }

  /** It is gone, or somebody else sees to that. */
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
