import { type Link } from '../../src/connections/link'
import {
  type CommonTime,
  type ReadingLimit,
  type ReadingLimits,
  readWithin,
} from '../../src/connections/reading-brake'

/** Bad messages in a row after which a connection is not worth keeping. */
const MAX_BAD_IN_A_ROW = 100
const POLICY_VIOLATION = 1008

/** What became of a message: `good` was trusted, `bad` was not, `excessive` was meant to be expensive. */
export type Outcome = 'good' | 'bad' | 'excessive'

/** What a connection may send. A signature takes a tenth of a millisecond to check. */
export const READING_LIMITS: ReadingLimits = {
  messagesPerSecond: 5_000,
  bytesPerSecond: 8 * 1024 * 1024,
  busyShare: 0.25,
}

/** The part of our time that all peers of a listener together may take. */
export const COMMON_BUSY_SHARE = 0.5

/**
 * Reads one connection, and ends it with 1008 once a hundred messages in a row were bad, or at the first that was excessive. Nothing is ever
 * answered.
 */
export class LinkReader {
  private badInARow = 0

  /**
   * @param receive - never throws
   * @param on.enough - called once, when the connection is ended because of its bad messages
   * @param on.limited - called with each limit that makes reading pause
   */
  constructor(
    private readonly link: Link,
    private readonly receive: (data: Buffer, isBinary: boolean) => Outcome,
    private readonly on: { enough: (why: string) => void; limited: (limit: ReadingLimit) => void },
    private readonly common?: CommonTime,
  ) {}

  begin(): void {
    const message = (data: Buffer, isBinary: boolean) => this.message(data, isBinary)
    readWithin(READING_LIMITS, this.link, { message, limited: this.on.limited }, this.common)
  }

  private message(data: Buffer, isBinary: boolean): void {
    const outcome = this.receive(data, isBinary)
    if (outcome === 'good') this.badInARow = 0
    else this.badInARow++
    // Messages are not delivered after the close, so this happens once.
    if (outcome === 'excessive') return this.end('an excessive message')
    if (this.badInARow >= MAX_BAD_IN_A_ROW) this.end('a hundred bad messages in a row')
  }

  private end(why: string): void {
    this.on.enough(why)
    void this.link.close(POLICY_VIOLATION, 'Too many bad messages')
  }
}
