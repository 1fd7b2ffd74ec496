import { type SendOutcome } from '../../src/connections/link'
import { type RoomIdentity } from './identity'
import { sceneBody } from './packets'
import { encodePrice, isFeedName, isPriceValue, priceText } from './price'

export interface PublishedPrice {
  /** Printable ASCII, 1 to 64 characters. */
  feed: string
  /** Decimal text without exponent, at most 64 characters: it goes out digit for digit. */
  value: string
  /** When the value was observed, in Unix ms. */
  observedAt: number
}

/** Where updates go while we are in a room. */
export interface Outlet {
  readonly room: string
  update: (body: Uint8Array) => SendOutcome | 'large'
}

export type PublishFault = 'publish-full' | 'publish-large' | 'publish-key-expired'

export interface BroadcasterOptions {
  identity: RoomIdentity
  sceneId: string
  /** Each value is sent again after so long, in ms: updates may be lost. */
  repeatEveryMs: number
  /** Values that are older are not repeated, in ms. */
  maxAgeMs: number
  onFault: (fault: PublishFault, detail: () => unknown) => void
}

const MAX_FEEDS = 1_000

/**
 * Sends prices into the room, each signed and numbered. A message always holds the whole value, goes out at once, and is repeated for as
 * long as the value is fresh, so that a receiver that lost some needs no history. Outside the room only the latest value is kept.
 */
export class PriceBroadcaster {
  private readonly latest = new Map<string, PublishedPrice>()
  private outlet: Outlet | undefined
  private repeating: ReturnType<typeof setInterval> | undefined
  /** Begins at the clock's time, so that numbers also rise after a restart. Nothing has to be stored for that. */
  private readonly firstSeq = Date.now()
  private readonly sent = new Map<string, number>()

  constructor(private readonly options: BroadcasterOptions) {}

  /** @throws Error for a feed or value that receivers would refuse, and for more than 1 000 feeds */
  publish(price: PublishedPrice): void {
    if (!isFeedName(price.feed)) throw new Error('A feed is named by 1 to 64 printable ASCII characters')
    if (!isPriceValue(price.value)) throw new Error('A value is decimal text without exponent')
    if (!Number.isSafeInteger(price.observedAt) || price.observedAt < 0)
      throw new Error('The time of observation is in whole Unix ms')
    if (!this.latest.has(price.feed) && this.latest.size >= MAX_FEEDS)
      throw new Error(`No more than ${MAX_FEEDS} feeds go into one room`)
    const held = this.latest.get(price.feed)
    // It came out of order: a newer price has been sent already.
    if (held !== undefined && price.observedAt < held.observedAt) return
    this.latest.set(price.feed, { ...price })
    this.send(price)
  }

  /** To be called in a room: sends every value that is fresh, now and again at each interval. */
  joined(outlet: Outlet): void {
    this.left()
    this.outlet = outlet
    this.repeating = setInterval(() => this.repeat(), this.options.repeatEveryMs)
    this.repeat()
  }

  left(): void {
    this.outlet = undefined
    clearInterval(this.repeating)
  }

  private repeat(): void {
    const oldest = Date.now() - this.options.maxAgeMs
    for (const price of this.latest.values()) if (price.observedAt >= oldest) this.send(price)
  }

  private send(price: PublishedPrice): void {
    const { outlet } = this
    if (outlet === undefined) return
    const { identity, sceneId, onFault } = this.options
    if (Date.now() >= identity.expiresAtUnixMs) return onFault('publish-key-expired', () => price.feed)
    const count = this.sent.get(price.feed) ?? 0
    const numbered = { ...price, seq: this.firstSeq + count }
    const chain = identity.vouchFor(priceText(outlet.room, numbered))
    const outcome = outlet.update(sceneBody(sceneId, encodePrice(numbered, chain)))
    // The number of a dropped message is not used again, so that receivers notice the loss.
    this.sent.set(price.feed, count + 1)
    if (outcome === 'full') onFault('publish-full', () => price.feed)
    if (outcome === 'large') onFault('publish-large', () => price.feed)
  }
}
