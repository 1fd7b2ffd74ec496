import { isAhead } from '../../src/transports/peer/terms'
import { readPrice, type VersiaPrice } from './price'
import { type NoNews } from './reasons'
import { type Verified } from './verifier'

/** Entities of which it is remembered that they have been taken; beyond that the oldest are forgotten, and the order of prices has to do. */
const MAX_ENTITIES = 100_000

/** The first half of step 7 of the checks (versia-websocket 8): is a trusted entity a price, and a new one? */
export class PriceGate {
  private readonly taken = new Set<string>()

  /** @param aheadToleranceMs - how far ahead of our clock a price may have been seen: one of tomorrow would hold up all of today's (TM-2) */
  constructor(
    private readonly priceType: string,
    private readonly aheadToleranceMs: number,
  ) {}

  /**
   * Never throws.
   *
   * @param now - our clock, in Unix ms
   * @returns undefined for an entity that carries no price, such as a Delete
   */
  check({ signedBy, entity }: Verified, now: number): VersiaPrice | NoNews | 'malformed_entity' | undefined {
    const name = `${signedBy}\n${entity.id ?? ''}`
    if (entity.id != null && this.taken.has(name)) return 'duplicate_entity'
    const price = readPrice(entity, signedBy, this.priceType)
    if (price === undefined || price === 'malformed_entity') return price
    // Not noted as taken: signed anew when its time has come, it is news.
    if (isAhead(price.observedAtUnixMs, now, this.aheadToleranceMs)) return 'ahead_of_clock'
    this.note(name)
    return price
  }

  private note(name: string): void {
    this.taken.add(name)
    if (this.taken.size <= MAX_ENTITIES) return
    const [oldest] = this.taken
    if (oldest !== undefined) this.taken.delete(oldest)
  }
}
