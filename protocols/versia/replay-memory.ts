/** About 100 MB when it is full. At 300 s each, that is more than 1 600 messages a second. */
const MAX_MESSAGES = 500_000

/**
 * The signed messages that were taken, for as long as each could be sent again (versia-websocket 5). When it is full it refuses what is
 * new: to forget one would let it in a second time.
 */
export class ReplayMemory {
  private readonly seen = new Set<string>()
  /** Grouped by the second in which they expire, so that a whole group can be dropped at once. */
  private readonly ending = new Map<number, string[]>()
  private sweptAt = 0

  /** @param maxMessages - how many are remembered at most */
  constructor(private readonly maxMessages = MAX_MESSAGES) {}

  get size(): number {
    return this.seen.size
  }

  /**
   * Looks up and remembers in one step. Call it only for messages with a good signature; otherwise strangers could fill the memory.
   *
   * @param expiresAt - the last moment at which the message could be taken, in Unix ms
   */
  take(signedBy: string, signedText: string, expiresAt: number, now: number): 'new' | 'replay' | 'full' {
    this.sweep(now)
    const message = `${signedBy}\n${signedText}`
    if (this.seen.has(message)) return 'replay'
    if (this.seen.size >= this.maxMessages) return 'full'
    this.seen.add(message)
    const second = Math.ceil(expiresAt / 1_000)
    const together = this.ending.get(second)
    if (together === undefined) this.ending.set(second, [message])
    else together.push(message)
    return 'new'
  }

  private sweep(now: number): void {
    const second = Math.floor(now / 1_000)
    if (second === this.sweptAt) return
    this.sweptAt = second
    for (const [end, messages] of this.ending) {
      // A message is good up to and including its last ms.
      if (end * 1_000 >= now) continue
      for (const message of messages) this.seen.delete(message)
      this.ending.delete(end)
    }
  }
}

/** One for the whole process: a message that came over one connection does not count a second time over another. */
export const processReplayMemory = new ReplayMemory()
