import { Answers } from '../common/answers'

interface Channel<P> {
  readonly params: P
  /** The server's number for it; absent until the server has answered. */
  id?: number
  isRefused: boolean
  /** False when the unsubscribe has to wait for the number. */
  isWanted: boolean
}

/** What was asked for on one connection, by symbol. Numbers of channels mean nothing on any other connection. */
export class Channels<P> {
  private readonly bySymbol = new Map<string, Channel<P>>()
  private readonly answers = new Answers()

  /** A new connection. */
  clear(): void {
    this.bySymbol.clear()
    this.answers.clear()
  }

  /** @returns whether to send a subscribe: not while the answer to an earlier one is awaited */
  want(symbol: string, params: P, now: number): boolean {
    const channel = this.bySymbol.get(symbol)
    if (channel !== undefined && !channel.isRefused) {
      channel.isWanted = true
      return false
    }
    this.bySymbol.set(symbol, { params, isRefused: false, isWanted: true })
    this.answers.asked(symbol, now)
    return true
  }

  /** @returns the number of the channel to end; undefined when there is none, or none yet */
  leave(symbol: string): number | undefined {
    const channel = this.bySymbol.get(symbol)
    if (channel === undefined) return undefined
    channel.isWanted = false
    if (channel.id !== undefined || channel.isRefused) this.forget(symbol)
    return channel.id
  }

  /**
   * The server has given a channel its number.
   *
   * @returns what to do with the channel: `params` of its feed, or end it because nobody wants it any more
   */
  opened(symbol: string, id: number, now: number): { params: P; isWanted: boolean } | undefined {
    const channel = this.bySymbol.get(symbol)
    if (channel === undefined) return undefined
    channel.id = id
    channel.isRefused = false
    this.answers.accepted(symbol, now)
    if (!channel.isWanted) this.forget(symbol)
    return channel
  }

  /** @returns the feed that the refusal is for, if anybody still wants it */
  refused(symbol: string, now: number): P | undefined {
    const channel = this.bySymbol.get(symbol)
    if (channel === undefined) return undefined
    if (!channel.isWanted) {
      this.forget(symbol)
      return undefined
    }
    channel.isRefused = true
    this.answers.refused(symbol, now)
    return channel.params
  }

  /** Symbols to ask for again. They count as asked for from now. */
  takeDue(now: number): string[] {
    const due: string[] = []
    for (const symbol of this.answers.due(now)) {
      const channel = this.bySymbol.get(symbol)
      if (channel?.isWanted !== true) continue
      channel.isRefused = false
      this.answers.asked(symbol, now)
      due.push(symbol)
    }
    return due
  }

  private forget(symbol: string): void {
    this.bySymbol.delete(symbol)
    this.answers.forget(symbol)
  }
}
