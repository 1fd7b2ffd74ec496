import { overflowed } from '../../../metrics/bounds'

/** More unanswered requests than this on one connection, and the oldest are forgotten. */
const MAX_REQUESTS = 1_000

/** Which symbols were asked for by which request of one connection, for answers that name none. */
export class Requests {
  private readonly symbols = new Map<string, string[]>()
  private lastId = 0

  /** A new connection: answers to requests of the old one will not come. Ids go on, so that none has two meanings. */
  clear(): void {
    this.symbols.clear()
  }

  nextId(): number {
    return ++this.lastId
  }

  /** Notes a request for these symbols. */
  add(id: number, symbols: string[]): void {
    this.symbols.set(String(id), symbols)
    const [oldest] = this.symbols.keys()
    if (this.symbols.size <= MAX_REQUESTS || oldest === undefined) return
    this.symbols.delete(oldest)
    overflowed('batch_requests')
  }

  /** @param id - providers give it back as a number or as text */
  symbolsOf(id: number | string | undefined): string[] {
    return (id === undefined ? undefined : this.symbols.get(String(id))) ?? []
  }
}
