/** More unanswered requests than this on one connection, and the oldest are forgotten. */
const MAX_REQUESTS = 1_000

/** Which symbols were asked for by which request of one connection, for refusals that name none. */
export class Requests {
  private readonly symbols = new Map<number, string[]>()
  private lastId = 0

  /** A new connection: answers to requests of the old one will not come. Ids go on, so that none has two meanings. */
  clear(): void {
    this.symbols.clear()
  }

  nextId(): number {
    return ++this.lastId
  }

  /** @returns the id of a request for these symbols */
  add(symbols: string[]): number {
    const id = this.nextId()
    this.symbols.set(id, symbols)
    const [oldest] = this.symbols.keys()
    if (this.symbols.size > MAX_REQUESTS && oldest !== undefined) this.symbols.delete(oldest)
    return id
  }

  symbolsOf(id: number | undefined): string[] {
    return (id === undefined ? undefined : this.symbols.get(id)) ?? []
  }
}
