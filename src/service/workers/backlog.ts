import { type Entry } from './messages'

/** A batch ends after this many entries, or this many characters. */
const MAX_BATCH_ENTRIES = 256
const MAX_BATCH_CHARACTERS = 512 * 1024
/** So many keys without a value may wait for a worker. With more, the connection is ended, and everything is sent again. */
const SPARE_KEYS = 10_000

/** A cache whose changes are published. */
export interface Source {
  readonly adapter: string
  /** The largest number of keys that it holds. */
  readonly capacity: number
  keys(): Iterable<string>
  /** The present value of a key. */
  entry(key: string): Entry
}

/** What is sent to a worker in one message. */
export interface Batch {
  adapter: string
  entries: Entry[]
}

/**
 * What one worker does not know yet. It holds keys and not values: a slow worker gets the newest value of each key, and the memory depends
 * on the number of keys only, not on the number of changes. It begins with all keys.
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

  /** @returns false when so many keys wait that it is better to send everything again on a new connection */
  add(source: Source, key: string): boolean {
    let keys = this.due.get(source)
    if (keys === undefined) this.due.set(source, (keys = new Set()))
    keys.add(key)
    return keys.size <= source.capacity + SPARE_KEYS
  }

  /** Takes the next batch from the backlog; undefined when nothing is due. */
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
