import { getHeapStatistics } from 'node:v8'
import { overflowed } from '../metrics/bounds'

/**
 * The part of the heap that params of wanted feeds may take. It is small, because there are about as many copies of them again: names of feeds,
 * messages to providers, what is subscribed.
 */
const WANTED_PART = 32
/** The part that all known feeds may take, wanted or not. */
const KNOWN_PART = 8
/** Feeds of ordinary size are limited by their number alone, so that those with large params take no room from them. */
const FREE_BYTES = 1_024

const partOfHeap = (part: number): number => Math.floor(getHeapStatistics().heap_size_limit / part)

/** How much the params of wanted feeds may take together, in bytes: of all transports that have the same room. */
export class WantedRoom {
  /** Only what is above the size of ordinary params. */
  private heldBytes = 0

  constructor(readonly capacityBytes = partOfHeap(WANTED_PART)) {}

  hasFor(bytes: number): boolean {
    const more = surplus(bytes)
    return more === 0 || this.heldBytes + more <= this.capacityBytes
  }

  take(bytes: number): void {
    this.heldBytes += surplus(bytes)
  }

  free(bytes: number): void {
    this.heldBytes -= surplus(bytes)
  }
}

const surplus = (bytes: number): number => Math.max(0, bytes - FREE_BYTES)

/** What knows feeds, and can forget some. */
export interface Knowing {
  /** Forgets feeds of at least so many bytes in sum, if it can: those that are not used, from the oldest on. */
  forgetUnused(bytes: number): void
}

/** How much all that is known of feeds may take together. Where it is too much, the one who knows most forgets some. */
export class KnownRoom {
  private readonly held = new Map<Knowing, number>()
  private heldBytes = 0

  constructor(readonly capacityBytes = partOfHeap(KNOWN_PART)) {}

  /** @param bytes - may be negative: then the feed is no longer known */
  add(to: Knowing, bytes: number): void {
    const known = this.held.get(to)
    // Who was removed may still forget.
    if (known === undefined && bytes < 0) return
    this.held.set(to, (known ?? 0) + bytes)
    this.heldBytes += bytes
    if (bytes > 0 && this.heldBytes > this.capacityBytes) this.makeRoom()
  }

  /** Forgets who knew. */
  remove(one: Knowing): void {
    this.heldBytes -= this.held.get(one) ?? 0
    this.held.delete(one)
  }

  /** An eighth, so that it is not done again for each feed that comes. */
  private makeRoom(): void {
    const enough = this.heldBytes - this.capacityBytes + this.capacityBytes / 8
    const [heaviest] = [...this.held].sort(([, a], [, b]) => b - a)
    heaviest?.[0].forgetUnused(enough)
    overflowed('known_feeds')
  }
}

/** The memory for feeds. All adapters of a process share it, if they are hosted by the service. */
export class FeedRooms {
  readonly wanted = new WantedRoom()
  readonly known = new KnownRoom()
}
