import { type Entry } from './messages'

/** A frame is begun anew after so many entries, or so many characters. */
const MAX_BATCH_ENTRIES = 256
const MAX_BATCH_CHARACTERS = 512 * 1024
/** Keys that nothing is kept under any more, beyond which everything is sent afresh. */
const SPARE_KEYS = 10_000

/** A cache whose changes are published. */
export interface Source {
  readonly adapter: string
  /** How many keys it holds at most. */
  readonly capacity: number
  keys(): Iterable<string>
  /** What is under a key now. */
  entry(key: string): Entry
}

/** What a worker is to be sent next. */
export interface Batch {
  adapter: string
  entries: Entry[]
}

/**
 * What one worker does not know yet: keys, not values, so that a slow worker gets the newest of each and costs no more than the number
 * of keys, however much changes meanwhile. Begins with all there is.
 */
export class Backlog {
  private readonly due = new Map<Source, Set<string>>()

  constructor(sources: Iterable<Source>) {
    for (const source of sources) this.due.set(source, new Set(source.keys()))
  }

  get isEmpty(): boolean {
    for (const keys of this.due.values()) if (keys.size > 0) return false
    return true
  }

  /** @returns false when there are more keys than a cache holds: what has to be forgotten is then better said by a new beginning */
  add(source: Source, key: string): boolean {
    let keys = this.due.get(source)
    if (keys === undefined) this.due.set(source, (keys = new Set()))
    keys.add(key)
    return keys.size <= source.capacity + SPARE_KEYS
  }

  /** The next batch, taken off the backlog; undefined when nothing is due. */
  take(): Batch | undefined {
    for (const [source, keys] of this.due) {
      if (keys.size === 0) continue
      const entries: Entry[] = []
      let characters = 0
      for (const key of keys) {
        keys.delete(key)
        const entry = source.entry(key)
        entries.push(entry)
        const [, , , body] = entry
        characters += key.length + (body?.length ?? 0)
        if (entries.length >= MAX_BATCH_ENTRIES || characters >= MAX_BATCH_CHARACTERS) break
      }
      return { adapter: source.adapter, entries }
    }
    return undefined
  }
}
