import { ADDRESS } from './ethereum'
import { type Sender } from './price-judge'

const MAX_PEERS = 10_000

/** Who else is in the room, by the aliases of one connection: they mean nothing on another. */
export class Peers {
  private readonly byAlias = new Map<number, Sender>()

  get size(): number {
    return this.byAlias.size
  }

  /** A join of an alias that is there overwrites it. @returns whether it is one to listen to */
  add(alias: number, address: string): boolean {
    this.byAlias.delete(alias)
    // Servers admit clients under an "address" that is none.
    if (!ADDRESS.test(address) || this.byAlias.size >= MAX_PEERS) return false
    this.byAlias.set(alias, { address: address.toLowerCase(), badChains: 0 })
    return true
  }

  /** Leaves of aliases that are not there are ordinary: some servers send them twice. */
  remove(alias: number): void {
    this.byAlias.delete(alias)
  }

  get(alias: number): Sender | undefined {
    return this.byAlias.get(alias)
  }
}
