import { type FetchLike } from 'eventsource'
import { type LineBrake } from './line-brake'

type Answer = Awaited<ReturnType<FetchLike>>
type Reader = { read: () => Promise<{ done: boolean; value?: Uint8Array }>; cancel?: () => Promise<unknown> }

const CR = 13
const LF = 10

/**
 * Makes each end of a line a line feed: a stream may have three kinds, also mixed. For each carriage return that it meets, the `eventsource`
 * package would look through all that has come with it for a line feed.
 */
class LineEnds {
  private wasReturn = false

  unified(chunk: Uint8Array): Buffer {
    if (!this.wasReturn && !chunk.includes(CR))
      return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const unified = Buffer.allocUnsafe(chunk.byteLength)
    let length = 0
    for (const byte of chunk) {
      if (byte !== LF || !this.wasReturn) unified[length++] = byte === CR ? LF : byte
      this.wasReturn = byte === CR
    }
    return unified.subarray(0, length)
  }
}

/** What a line of an event takes in memory beyond its bytes, until the event has ended: it is a text of its own. */
const BYTES_PER_LINE = 64

const linesIn = (piece: Buffer): number => {
  let lines = 0
  for (let at = piece.indexOf(LF); at !== -1; at = piece.indexOf(LF, at + 1)) lines++
  return lines
}

/** Counts what an event takes that has not ended yet. An event ends with an empty line. */
class Unended {
  private bytes = 0
  private wasEnd = false

  /** @returns how many bytes there are since the last end, where that may be known, each line with what it takes besides */
  add(piece: Buffer): number {
    if (piece.byteLength === 0) return this.bytes
    const hasEnd = (this.wasEnd && piece[0] === LF) || piece.includes('\n\n')
    this.bytes = hasEnd ? piece.byteLength : this.bytes + piece.byteLength + linesIn(piece) * BYTES_PER_LINE
    this.wasEnd = piece.at(-1) === LF
    return this.bytes
  }
}

/**
 * The same answer, whose lines all end in the same way, and whose body fails once an event has more bytes than this and no end (RS-7): the
 * `eventsource` package would keep them all. They are counted as they are after
 * decompression. Anything but a stream of bytes is left as it is, because tests have streams of their own.
 *
 * @param of.brake - by which it is read more slowly while it brings nothing but lines that say nothing
 * @param of.onExceeded - called before the body fails
 */
export const withEventLimit = (
  answer: Answer,
  maxBytes: number,
  { brake, onExceeded }: { brake: LineBrake; onExceeded: () => void },
): Answer => {
  const { body, url, status, redirected, headers } = answer
  if (body === null || typeof body !== 'object' || !('getReader' in body)) return answer
  const limited = (reader: Reader) => {
    const [ends, unended] = [new LineEnds(), new Unended()]
    const read = async () => {
      if (brake.ready !== undefined) await brake.ready
      const piece = await reader.read()
      if (!(piece.value instanceof Uint8Array)) return piece
      const value = ends.unified(piece.value)
      brake.spend(value)
      if (unended.add(value) <= maxBytes) return { ...piece, value }
      brake.stop()
      onExceeded()
      void reader.cancel?.().catch(() => {})
      throw new Error(`An event has more than ${maxBytes} bytes, and no end`)
    }
    const cancel = () => {
      brake.stop()
      return reader.cancel?.() ?? Promise.resolve()
    }
    return { read, cancel }
  }
  const getReader = () => limited((body as { getReader: () => Reader }).getReader())
  return { url, status, redirected, headers, body: { getReader } } as Answer
}
