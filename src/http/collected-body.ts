import { Transform, type TransformCallback } from 'node:stream'
import { type FastifyInstance } from 'fastify'
import { requestRoom } from '../adapter/request-room'
import { errorOf } from '../util/objects'

/** Bodies of ordinary requests are shorter, and are read without this. */
const SMALL_BYTES = 4_096
/** Of a body there are the bytes, their text, the parsed value and the params. */
const COPIES = 4

/**
 * A long body, or one whose length is not known, as it comes. It is kept in one piece: a body that comes byte by byte would else take a
 * hundred times as much memory. It takes room for what has come, not for what was announced.
 */
class CollectedBody extends Transform {
  private bytes = Buffer.alloc(0)
  private length = 0
  private taken = 0

  constructor(private readonly limitBytes: number) {
    super()
    // Nobody may be reading it when its client leaves.
    this.on('error', () => {})
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    // What is beyond the limit is refused by who reads this.
    if (this.length > this.limitBytes) return done()
    try {
      this.add(chunk)
    } catch (error) {
      return done(errorOf(error))
    }
    if (this.length > this.limitBytes) this.push(this.bytes.subarray(0, this.length))
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.length <= this.limitBytes) this.push(this.bytes.subarray(0, this.length))
    done()
  }

  /** Gives the room back: the request is over. Whoever still reads is told that its client has left. */
  release(): void {
    requestRoom.free(this.taken)
    this.taken = 0
    this.bytes = Buffer.alloc(0)
    this.destroy(this.readableEnded ? undefined : new Error('aborted'))
  }

  private add(chunk: Buffer): void {
    const length = this.length + chunk.length
    if (length > this.bytes.length) {
      const size = Math.max(SMALL_BYTES, 2 * this.bytes.length, length)
      const more = COPIES * (size - this.bytes.length)
      requestRoom.take(more)
      this.taken += more
      const grown = Buffer.allocUnsafe(size)
      this.bytes.copy(grown, 0, 0, this.length)
      this.bytes = grown
    }
    chunk.copy(this.bytes, this.length)
    this.length = length
  }
}

/** Long bodies of requests take room in the process from their first byte to the answer. Call it before there is a fast lane. */
export const collectBodies = (app: FastifyInstance, limitBytes: number): void => {
  app.addHook('preParsing', ({ raw }, reply, payload, done) => {
    const length = Number(raw.headers['content-length'] ?? 0)
    const isLong = length > SMALL_BYTES || raw.headers['transfer-encoding'] !== undefined
    if (!isLong || length > limitBytes || raw.method !== 'POST') return done(null, payload)
    const body = new CollectedBody(limitBytes)
    reply.raw.once('close', () => body.release())
    payload.on('error', (error) => body.destroy(error))
    done(null, payload.pipe(body))
  })
}
