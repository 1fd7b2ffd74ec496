import { type Link } from '../../src/connections/link'

/** Bad messages in a row after which a connection is not worth keeping. */
const MAX_BAD_IN_A_ROW = 100
const POLICY_VIOLATION = 1008

/** What became of a message: `good` was trusted, `bad` was not. */
export type Outcome = 'good' | 'bad'

/** Reads one connection, and ends it with 1008 once a hundred messages in a row were bad. Nothing is ever answered. */
export class LinkReader {
  private badInARow = 0

  /**
   * @param receive - never throws
   * @param onEnough - called once, when the connection is ended because of its bad messages
   */
  constructor(
    private readonly link: Link,
    private readonly receive: (data: Buffer, isBinary: boolean) => Outcome,
    private readonly onEnough: () => void,
  ) {}

  begin(): void {
    this.link.listen({ message: (data, isBinary) => this.message(data, isBinary) })
  }

  private message(data: Buffer, isBinary: boolean): void {
    if (this.receive(data, isBinary) === 'good') this.badInARow = 0
    else this.badInARow++
    // Messages are not delivered after the close, so this happens once.
    if (this.badInARow < MAX_BAD_IN_A_ROW) return
    this.onEnough()
    void this.link.close(POLICY_VIOLATION, 'Too many bad messages')
  }
}
