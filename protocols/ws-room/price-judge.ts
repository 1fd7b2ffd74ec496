import { isAhead } from '../../src/transports/peer/terms'
import { type ChainProblem, checkChain, claimedOwner, KnownDelegations } from './auth-chain'
import { priceText, type RoomPrice, type SentPrice } from './price'

/** Why a price is not believed. */
export type PriceProblem =
  ChainProblem | 'unknown-feed' | 'unknown-signer' | 'stale' | 'replay' | 'busy' | 'muted' | 'too-many-feeds'

export type PriceVerdict =
  | {
      ok: true
      /** Who answers for it, in lower case. */
      signer: string
      /** How many messages of this signer about this feed were sent before it and never came. */
      lost: number
    }
  | { ok: false; problem: PriceProblem }

export interface PriceRules {
  /** Whose prices count, in lower case. */
  signers: ReadonlySet<string>
  /** Take unsigned prices too, by the address that the server shows for the sender: for a server of one's own. */
  trustServer: boolean
  /** Older prices are refused, in ms. */
  maxAgeMs: number
  isKnownFeed: (feed: string) => boolean
}

/** What is known of the peer that sent a price, for as long as its connection lasts. */
export interface Sender {
  /** As the server shows it: no proof. In lower case. */
  readonly address: string
  /** Chains in the name of a listed account that were not good. */
  badChains: number
}

/** Pairs of signer and feed that are remembered. A signer that has so many feeds at a time is not to be believed. */
const MAX_MEMORY = 10_000
/** A signature check takes 2 ms: more of them in one second would leave no time for anything else. */
const MAX_CHECKS_PER_SECOND = 200
/** After so many, the prices of a sender are not checked any more. Otherwise it could use up the checks of the others. */
const MAX_BAD_CHAINS = 10
/** A longer jump means that the sender was restarted and counts from its clock again. How many are missing is unknown then: it counts as one. */
const MAX_LOST = 1_000

interface Last {
  seq: number
  observedAt: number
}

/**
 * Decides which prices of a room count. Cheap checks come first: a room is open to strangers, and checking a signature takes long.
 * Remembers the last number of each signer and feed across connections, so that nothing counts twice.
 */
export class PriceJudge {
  private readonly last = new Map<string, Last>()
  private readonly delegations = new KnownDelegations()
  private second = 0
  private checks = 0

  constructor(private readonly rules: PriceRules) {}

  /** @param room - name of the room that the price was sent in, as prices have it */
  judge(price: SentPrice, sender: Sender, room: string, now: number): PriceVerdict {
    const { rules } = this
    if (!rules.isKnownFeed(price.feed)) return no('unknown-feed')
    const age = now - price.observedAt
    // Written so that a limit of NaN refuses everything.
    if (!(age <= rules.maxAgeMs) || isAhead(price.observedAt, now)) return no('stale')
    const isSigned = price.chain !== undefined
    const signer = isSigned ? claimedOwner(price.chain) : sender.address
    if (signer === undefined || (!isSigned && !rules.trustServer)) return no('malformed')
    if (!rules.signers.has(signer)) return no('unknown-signer')
    const key = `${signer} ${price.feed}`
    const last = this.last.get(key)
    if (last !== undefined && price.seq <= last.seq) return no('replay')
    if (last === undefined && !this.hasRoom(now)) return no('too-many-feeds')
    const problem = isSigned ? this.chainProblem(price, sender, room, now) : undefined
    if (problem !== undefined) return no(problem)
    this.last.set(key, { seq: price.seq, observedAt: price.observedAt })
    const missing = last === undefined ? 0 : price.seq - last.seq - 1
    return { ok: true, signer, lost: missing > MAX_LOST ? 1 : missing }
  }

  private chainProblem(
    price: SentPrice,
    sender: Sender,
    room: string,
    now: number,
  ): PriceProblem | undefined {
    if (sender.badChains >= MAX_BAD_CHAINS) return 'muted'
    if (!this.mayCheck(now)) return 'busy'
    const verdict = checkChain(price.chain, priceText(room, price), now, this.delegations)
    if (verdict.ok) return undefined
    sender.badChains++
    return verdict.problem
  }

  private mayCheck(now: number): boolean {
    const second = Math.floor(now / 1_000)
    if (second !== this.second) {
      this.second = second
      this.checks = 0
    }
    return this.checks++ < MAX_CHECKS_PER_SECOND
  }

  /** A price that is too old would be refused anyway: its number can be forgotten. */
  private hasRoom(now: number): boolean {
    if (this.last.size < MAX_MEMORY) return true
    for (const [key, { observedAt }] of this.last)
      if (now - observedAt > this.rules.maxAgeMs) this.last.delete(key)
    return this.last.size < MAX_MEMORY
  }
}

const no = (problem: PriceProblem): PriceVerdict => ({ ok: false, problem })

/** The price alone, without its chain of signatures. */
export const bare = ({ feed, value, observedAt, seq }: SentPrice): RoomPrice => ({
  feed,
  value,
  observedAt,
  seq,
})
