import { deserialize, serialize } from 'node:v8'

/** No frame that we send is longer. A longer one is an error. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024

const HEADER_BYTES = 4

/** A link brought bytes that are no frame. The link has to be closed, because the next frame cannot be found. */
export class FrameError extends Error {
  override name = 'FrameError'
}

/**
 * A message as it is sent over a link: its length in four bytes, then the message as Node's `v8.serialize` writes it. That is possible
 * because both ends are the same version on one machine. Unlike JSON it keeps members that are `undefined`.
 *
 * @throws FrameError when it is too long; Error for what cannot be serialised
 */
export const encodeFrame = (message: unknown): Buffer => {
  const payload = serialize(message)
  if (payload.length > MAX_FRAME_BYTES) throw new FrameError(`A frame of ${payload.length} bytes is too long`)
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length)
  frame.writeUInt32BE(payload.length, 0)
  payload.copy(frame, HEADER_BYTES)
  return frame
}

/** Reads messages from a stream of bytes whose chunks may end anywhere. It keeps no more than one unfinished frame. */
export class FrameReader {
  private chunks: Buffer[] = []
  private held = 0
  /** Length of the frame that is being received; undefined while its header is not complete. */
  private length: number | undefined

  /**
   * @returns the messages that this chunk completes
   * @throws FrameError for a length that no frame has, and for bytes that are no message; after that the reader cannot be used
   */
  push(chunk: Buffer): unknown[] {
    this.chunks.push(chunk)
    this.held += chunk.length
    const messages: unknown[] = []
    for (;;) {
      if (this.length === undefined) {
        if (this.held < HEADER_BYTES) return messages
        this.length = this.take(HEADER_BYTES).readUInt32BE(0)
        if (this.length === 0 || this.length > MAX_FRAME_BYTES)
          throw new FrameError(`A frame says that it is ${this.length} bytes long`)
      }
      if (this.held < this.length) return messages
      messages.push(decoded(this.take(this.length)))
      this.length = undefined
    }
  }

  /** Takes the next bytes. There must be enough of them. */
  private take(count: number): Buffer {
    const [first] = this.chunks
    const all = first !== undefined && first.length >= count ? first : Buffer.concat(this.chunks)
    if (all !== first) this.chunks = [all]
    if (all.length === count) this.chunks.shift()
    else this.chunks[0] = all.subarray(count)
    this.held -= count
    return all.subarray(0, count)
  }
}

const decoded = (payload: Buffer): unknown => {
  try {
    return deserialize(payload)
  } catch {
    throw new FrameError('A frame holds no message')
  }
}
