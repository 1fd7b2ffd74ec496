/**
 * Orders the requests of a pass when more are due than the queue holds (RL-5). The queue lets the first one through and then drops from the
 * front. The requests that were served least are therefore put first or last, so that all are served in turn.
 */
export class FairOrder {
  private served = new Map<string, number>()
  private isCrowded = false
  private lostFirst = false

  /** Arranges the requests of a pass. While nothing is dropped, their order does not change. */
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

  /** Records the outcome of a pass, in the order in which its requests were sent. */
  note(pass: readonly { key: string; wasDropped: boolean }[]): void {
    this.isCrowded = pass.some(({ wasDropped }) => wasDropped)
    if (!this.isCrowded) {
      this.served.clear()
      this.lostFirst = false
      return
    }
    this.lostFirst = pass[0]?.wasDropped ?? false
    // A new request starts with the count of the least served one. With zero it would go before the others until it had caught up.
    const least = Math.min(...pass.map(({ key }) => this.served.get(key) ?? Infinity))
    const floor = least === Infinity ? 0 : least
    this.served = new Map(
      pass.map(({ key, wasDropped }) => [key, (this.served.get(key) ?? floor) + (wasDropped ? 0 : 1)]),
    )
  }
}
