/** How often a request was served, and in which pass the last time. */
interface Served {
  count: number
  lastPass: number
}

const NEVER: Served = { count: 0, lastPass: 0 }

/**
 * Orders the requests of a pass when more are due than the queue holds (RL-5). The queue lets the first one through and then drops from the
 * front. The requests that were served least, and of these those whose values are oldest, are therefore put first or last, so that all are
 * served in turn.
 */
export class FairOrder {
  private served = new Map<string, Served>()
  private passes = 0
  private isCrowded = false
  private lostFirst = false

  /** Arranges the requests of a pass. While nothing is dropped, their order does not change. */
  arrange<T extends { key: string }>(requests: T[]): T[] {
    if (!this.isCrowded || requests.length < 2) return requests
    const mostServedFirst = requests
      .map((request, at) => ({ request, at, of: this.served.get(request.key) ?? NEVER }))
      .sort((a, b) => b.of.count - a.of.count || b.of.lastPass - a.of.lastPass || b.at - a.at)
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
      return
    }
    this.lostFirst = pass[0]!.wasDropped
    // A new request starts with the count of the least served one. With zero it would go before the others until it had caught up.
    const least = Math.min(...pass.map(({ key }) => this.served.get(key)?.count ?? Infinity))
    const unserved: Served = { count: least === Infinity ? 0 : least, lastPass: 0 }
    const lastPass = ++this.passes
    this.served = new Map(
      pass.map(({ key, wasDropped }) => {
        const of = this.served.get(key) ?? unserved
        return [key, wasDropped ? of : { count: of.count + 1, lastPass }]
      }),
    )
  }
}
