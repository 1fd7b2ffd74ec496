import { type FetchLike } from 'eventsource'

type Answer = Awaited<ReturnType<FetchLike>>
type Reader = { read: () => Promise<{ done: boolean; value?: Uint8Array }>; cancel?: () => Promise<unknown> }

/** An event ends with an empty line. */
const ENDS = ['\n\n', '\r\r', '\r\n\r\n'].map((text) => Buffer.from(text))
const LONGEST_END = 4

/** Counts the bytes of an event that has not ended yet. */
class Unended {
  private bytes = 0
  /** The last bytes of what came before: an end may come in two pieces. */
  private last = Buffer.alloc(0)

  /** @returns how many bytes there are since the last end, where that may be known */
  add(chunk: Uint8Array): number {
    const piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const joint = Buffer.concat([this.last, piece.subarray(0, LONGEST_END - 1)])
    const hasEnd = ENDS.some((end) => piece.includes(end) || joint.includes(end))
    this.bytes = hasEnd ? piece.byteLength : this.bytes + piece.byteLength
    this.last = Buffer.concat([this.last, piece.subarray(-LONGEST_END)]).subarray(1 - LONGEST_END)
    return this.bytes
  }
}

/**
 * The same answer, whose body fails once an event has more bytes than this and no end (RS-7): the `eventsource` package would keep them
 * all. Anything but a stream of bytes is left as it is, because tests have streams of their own.
 *
 * @param onExceeded - called before the body fails
 */
export const withEventLimit = (answer: Answer, maxBytes: number, onExceeded: () => void): Answer => {
  const { body, url, status, redirected, headers } = answer
  if (body === null || typeof body !== 'object' || !('getReader' in body)) return answer
  const limited = (reader: Reader) => {
    const unended = new Unended()
    const read = async () => {
      const piece = await reader.read()
      if (!(piece.value instanceof Uint8Array) || unended.add(piece.value) <= maxBytes) return piece
      onExceeded()
      void reader.cancel?.().catch(() => {})
      throw new Error(`An event has more than ${maxBytes} bytes, and no end`)
    }
    return { read, cancel: () => reader.cancel?.() ?? Promise.resolve() }
  }
  const getReader = () => limited((body as { getReader: () => Reader }).getReader())
  return { url, status, redirected, headers, body: { getReader } } as Answer
}
