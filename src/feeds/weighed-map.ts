import { type Bound, overflowed } from '../metrics/bounds'
import { type Knowing, type KnownRoom } from './feed-rooms'
import { weightOf } from './weight'

/** What one takes beside its key and what its owner says. */
const BYTES_PER_ENTRY = 128

interface Entry<V> {
  value: V
  weight: number
}

/**
 * A map that forgets its oldest entries where it has more than its limit, or where all that is known of feeds takes too much memory: then
 * first of all those that are not used.
 */
export class WeighedMap<K, V> implements Knowing {
  private readonly entries = new Map<K, Entry<V>>()
  private isClosed = false

  /**
   * @param of.bound - by which it is counted what was forgotten
   * @param of.room - what is known of feeds, once there is one
   * @param of.isUsed - default: none is
   */
  constructor(
    private readonly of: {
      limit: number
      bound: Bound
      room: () => KnownRoom | undefined
      isUsed?: (value: V) => boolean
    },
  ) {}

  get size(): number {
    return this.entries.size
  }

  has(key: K): boolean {
    return this.entries.has(key)
  }

  get(key: K): V | undefined {
    return this.entries.get(key)?.value
  }

  /** A key that is there keeps its age. @param bytes - what the value takes in memory */
  set(key: K, value: V, bytes = 0): void {
    if (this.isClosed) return
    const { limit, bound } = this.of
    const room = this.of.room()
    const before = this.entries.get(key)?.weight ?? 0
    const weight = room === undefined ? 0 : BYTES_PER_ENTRY + weightOf(key) + bytes
    this.entries.set(key, { value, weight })
    room?.add(this, weight - before)
    if (this.entries.size <= limit) return
    this.delete(this.entries.keys().next().value!)
    overflowed(bound)
  }

  delete(key: K): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    this.entries.delete(key)
    this.of.room()?.add(this, -entry.weight)
  }

  *[Symbol.iterator](): IterableIterator<[K, V]> {
    for (const [key, { value }] of this.entries) yield [key, value]
  }

  forgetUnused(bytes: number): void {
    const { isUsed = () => false, bound } = this.of
    let left = bytes
    const forget = (isMeant: (value: V) => boolean): void => {
      for (const [key, { value, weight }] of this.entries) {
        if (left <= 0) return
        if (!isMeant(value)) continue
        this.delete(key)
        overflowed(bound)
        left -= weight
      }
    }
    forget((value) => !isUsed(value))
    forget(() => true)
  }

  /** Forgets all of them, and takes none any more. */
  close(): void {
    this.isClosed = true
    this.entries.clear()
    this.of.room()?.remove(this)
  }
}
