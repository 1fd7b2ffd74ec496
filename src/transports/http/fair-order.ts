/**
 * The order of a pass when more requests are due than the queue holds (RL-5). The queue lets the first one through, then drops from the
 * front: whoever has been served least therefore goes first or last, and all are served in turn.
 */
export class FairOrder {
  private served = new Map<string, number>()
  private isCrowded = false
  private lostFirst = false

  /** The same order while nothing is dropped. */
  arrange<T extends { key: string }>(requests: T[]): T[] {
    if (!this.isCrowded || requests.length < 2) return requests
    const countOf = ({ key }: T) => this.served.get(key) ?? 0
    const mostServedFirst = requests
      .map((request, at) => ({ request, at, count: countOf(request) }))
      .sort((a, b) => b.count - a.count || b.at - a.at)
      .map(({ request }) => request)
    if (this.lostFirst) return mostServedFirst
    const least = mostServedFirst.pop()!
    return [least, ...mostServedFirst]
  }

  /** Takes down what became of a pass, in the order in which it was asked for. */
  note(pass: readonly { key: string; wasDropped: boolean }[]): void {
    this.isCrowded = pass.some(({ wasDropped }) => wasDropped)
    if (!this.isCrowded) {
      this.served.clear()
      this.lostFirst = false
      return
    }
    this.lostFirst = pass[0]?.wasDropped ?? false
    // One that is new begins where the others are, and not with a claim to all that they have had.
    const least = Math.min(...pass.map(({ key }) => this.served.get(key) ?? Infinity))
    const floor = least === Infinity ? 0 : least
    this.served = new Map(
      pass.map(({ key, wasDropped }) => [key, (this.served.get(key) ?? floor) + (wasDropped ? 0 : 1)]),
    )
  }
}
