/** Something that ends at a time, in milliseconds. It may be Unix time or monotonic time: the heap only compares. */
export interface Expiring {
  expiresAt: number
}

/** A place in the heap. Without an item it is the place of one that was removed (a tombstone). */
interface Slot<T> {
  stamp: number
  order: number
  item: T | undefined
}

const isBefore = <T>(a: Slot<T>, b: Slot<T>): boolean =>
  a.stamp < b.stamp || (a.stamp === b.stamp && a.order < b.order)

/**
 * Items by their expiry, soonest first, for items that are prolonged far more often than they expire. To make
 * `expiresAt` later, just assign it: the heap notices when the item comes to the top, and moves it back down. After
 * making it earlier, call `update`. Items of equal expiry come out in the order in which they got their place.
 */
export class ExpiryHeap<T extends Expiring> {
  private slots: Slot<T>[] = []
  private readonly slotOf = new Map<T, Slot<T>>()
  private placed = 0

  /** Items in the heap. */
  get size(): number {
    return this.slotOf.size
  }

  /** Adds an item; one that is in the heap already is updated. */
  push(item: T): void {
    if (this.slotOf.has(item)) return this.update(item)
    const slot = { stamp: item.expiresAt, order: this.placed++, item }
    this.slotOf.set(item, slot)
    this.slots.push(slot)
    this.siftUp(this.slots.length - 1)
  }

  /** Tells the heap that the item's `expiresAt` was changed, in either direction. Nothing happens if it is not in the heap. */
  update(item: T): void {
    const slot = this.slotOf.get(item)
    if (!slot || item.expiresAt >= slot.stamp) return
    this.remove(item)
    this.push(item)
  }

  /** Takes an item out. Nothing happens if it is not in the heap. */
  remove(item: T): void {
    const slot = this.slotOf.get(item)
    if (!slot) return
    slot.item = undefined
    this.slotOf.delete(item)
    if (this.slots.length > 2 * this.slotOf.size) this.rebuild()
  }

  /** Takes out the item that expires first, if it has expired at `now`. */
  popExpired(now: number): T | undefined {
    const first = this.settleFirst()
    return first && first.expiresAt <= now ? this.popFirst() : undefined
  }

  /** Takes out the item that expires first: where all have the same TTL, the one that was prolonged longest ago. */
  popEarliest(): T | undefined {
    return this.settleFirst() && this.popFirst()
  }

  /** Removes tombstones at the top and corrects outdated stamps there, until the first slot holds the item that expires first. */
  private settleFirst(): T | undefined {
    for (let first = this.slots[0]; first; first = this.slots[0]) {
      if (first.item === undefined) {
        this.dropFirst()
      } else if (first.item.expiresAt > first.stamp) {
        first.stamp = first.item.expiresAt
        first.order = this.placed++
        this.siftDown(0)
      } else {
        return first.item
      }
    }
    return undefined
  }

  private popFirst(): T | undefined {
    const item = this.slots[0]?.item
    if (item !== undefined) this.slotOf.delete(item)
    this.dropFirst()
    return item
  }

  private dropFirst(): void {
    const last = this.slots.pop()
    if (!last || this.slots.length === 0) return
    this.slots[0] = last
    this.siftDown(0)
  }

  private rebuild(): void {
    this.slots = [...this.slotOf.values()]
    for (let at = (this.slots.length >> 1) - 1; at >= 0; at--) this.siftDown(at)
  }

  private siftUp(from: number): void {
    const { slots } = this
    const slot = slots[from]!
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = slots[parentAt]!
      if (!isBefore(slot, parent)) break
      slots[at] = parent
      at = parentAt
    }
    slots[at] = slot
  }

  private siftDown(from: number): void {
    const { slots } = this
    const slot = slots[from]!
    let at = from
    for (;;) {
      let childAt = 2 * at + 1
      let child = slots[childAt]
      if (!child) break
      const right = slots[childAt + 1]
      if (right && isBefore(right, child)) {
        childAt += 1
        child = right
      }
      if (!isBefore(child, slot)) break
      slots[at] = child
      at = childAt
    }
    slots[at] = slot
  }
}
