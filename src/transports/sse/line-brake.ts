import { ReadingBrake, type ReadingLimit } from '../../connections/reading-brake'
import { monotonicMs } from '../../util/clock'
import { deferredPromise } from '../../util/sleep'

const LF = 10
const DATA = Buffer.from('data:')

/** Lines that bring no data: a field that is not known costs some microseconds each, and a provider needs a few a minute to stay connected. */
const LIMITS = { messagesPerSecond: 10_000, bytesPerSecond: 4 * 1024 * 1024, busyShare: Infinity }

/** So many of them belong to each line of data: the event's name, its id, its end. */
const BESIDE_DATA = 8

/** Counts lines that bring no data and belong to none. */
export class IdleLines {
  /** How much of the beginning of data the present line has; -1 where it has another. */
  private matched = 0
  private length = 0
  private free = 0

  /** @param piece - the lines of it all end with a line feed */
  count(piece: Buffer): { messages: number; bytes: number } {
    const counted = { messages: 0, bytes: 0 }
    let from = 0
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, from)) {
      this.read(piece, from, end)
      if (this.isData) this.free = BESIDE_DATA
      else if (this.free > 0) this.free--
      else {
        counted.messages++
        counted.bytes += this.length
      }
      this.matched = this.length = 0
      from = end + 1
    }
    this.read(piece, from, piece.length)
    return counted
  }

  private get isData(): boolean {
    return this.matched === DATA.length || (this.matched === DATA.length - 1 && this.length === this.matched)
  }

  private read(piece: Buffer, from: number, to: number): void {
    for (let at = from; at < to && this.matched >= 0 && this.matched < DATA.length; at++)
      this.matched = piece[at] === DATA[this.matched] ? this.matched + 1 : -1
    this.length += to - from
  }
}

/**
 * Keeps a stream from taking our time with lines that say nothing: beyond a limit of them a second no more is read for a while. The provider
 * feels that as back-pressure, and nothing is lost.
 */
export class LineBrake {
  private readonly lines = new IdleLines()
  private readonly brake: ReadingBrake
  private waiting: { promise: Promise<void>; resolve: () => void } | undefined

  /** @param onFlood - called with the limit that is reached */
  constructor(onFlood: (limit: ReadingLimit) => void) {
    this.brake = new ReadingBrake(LIMITS, {
      pause: (limit) => {
        const [promise, resolve] = deferredPromise<void>()
        this.waiting = { promise, resolve }
        if (limit !== undefined) onFlood(limit)
      },
      release: () => this.release(),
    })
  }

  /** Resolves when more may be read; undefined where it may be now. */
  get ready(): Promise<void> | undefined {
    return this.waiting?.promise
  }

  spend(piece: Buffer): void {
    const { messages, bytes } = this.lines.count(piece)
    if (messages > 0) this.brake.spend({ messages, bytes, sinceMs: monotonicMs() })
  }

  /** The stream has ended: nobody waits any more. */
  stop(): void {
    this.brake.stop()
    this.release()
  }

  private release(): void {
    this.waiting?.resolve()
    this.waiting = undefined
  }
}
