import { guarded, type Settle } from './guard'

const SHOWN_ITEMS = 10
const SHOWN_CHARACTERS = 200

interface Waiter<T> {
  matches: (item: T) => boolean
  settle: Settle<T>
}

const textOf = (item: unknown): string => (Buffer.isBuffer(item) ? `<${item.toString('hex')}>` : String(item))

const shorten = (text: string): string =>
  text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text

/** Items that arrive. Each is given out once, in the order of arrival, to the first wait that it matches. */
export class Inbox<T> {
  /** Everything that ever arrived. */
  readonly all: T[] = []
  private readonly waiting: T[] = []
  private readonly waiters: Waiter<T>[] = []
  private readonly counters: { count: number; settle: Settle<readonly T[]> }[] = []
  private end: string | undefined

  /**
   * @param what - what arrives here and where, for error messages: `a text frame on connection 0`
   * @param show - an item in these messages. Default: text as it is, bytes in hexadecimal digits
   */
  constructor(
    private readonly what: string,
    private readonly guardMs: number | undefined,
    private readonly show: (item: T) => string = textOf,
  ) {}

  put(item: T): void {
    this.all.push(item)
    for (const { count, settle } of this.counters) if (this.all.length >= count) settle.resolve(this.all)
    const index = this.waiters.findIndex(({ matches }) => matches(item))
    const [waiter] = index === -1 ? [] : this.waiters.splice(index, 1)
    if (waiter === undefined) this.waiting.push(item)
    else waiter.settle.resolve(item)
  }

  /** The oldest matching item that was not handed out yet, or the next one that arrives. */
  next(matches: (item: T) => boolean = () => true): Promise<T> {
    const index = this.waiting.findIndex(matches)
    const [item] = index === -1 ? [] : this.waiting.splice(index, 1)
    if (item !== undefined) return Promise.resolve(item)
    if (this.end !== undefined) return Promise.reject(this.endError(this.end))
    return guarded<T>({
      guardMs: this.guardMs,
      describe: () => this.describe(),
      begin: (settle) => {
        const waiter = { matches, settle }
        this.waiters.push(waiter)
        return () => this.waiters.splice(this.waiters.indexOf(waiter), 1)
      },
    })
  }

  /** Everything that ever arrived, when that is so many. Hands nothing out. */
  many(count: number): Promise<readonly T[]> {
    if (this.all.length >= count) return Promise.resolve(this.all)
    if (this.end !== undefined) return Promise.reject(this.endError(this.end))
    return guarded<readonly T[]>({
      guardMs: this.guardMs,
      describe: () => `${count} of these: ${this.describe()}`,
      begin: (settle) => {
        const counter = { count, settle }
        this.counters.push(counter)
        return () => this.counters.splice(this.counters.indexOf(counter), 1)
      },
    })
  }

  /** Nothing more will come: all waits for items that are not there, now and later, are rejected with this cause. */
  close(why: string): void {
    this.end = why
    for (const { settle } of this.waiters.splice(0)) settle.reject(this.endError(why))
    for (const { settle } of this.counters.splice(0)) settle.reject(this.endError(why))
  }

  private describe(): string {
    const { length } = this.all
    if (length === 0) return `${this.what}; nothing was received`
    const last = this.all.slice(-SHOWN_ITEMS).map((item) => `\n  ${shorten(this.show(item))}`)
    return `${this.what}; ${length} received${length > SHOWN_ITEMS ? `, the last ${SHOWN_ITEMS}` : ''}:${last.join('')}`
  }

  private endError(why: string): Error {
    return new Error(`${why} while waiting for ${this.describe()}`)
  }
}
