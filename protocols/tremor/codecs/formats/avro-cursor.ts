import { CodecError } from '../errors'
import { decodeUtf8 } from '../text'
import { finite, integer } from '../value'

const cut = () => new CodecError('avro: cut off')

/** Reads the primitives of Avro one after the other. Every method throws a CodecError where the data is cut off. */
export class AvroCursor {
  private at = 0

  constructor(private readonly data: Buffer) {}

  get left(): number {
    return this.data.length - this.at
  }

  /** A variable-length zig-zag integer of at most 64 bits. */
  long(): number | bigint {
    let bits = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte = 0] = this.bytes(1)
      bits |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (bits >= 2n ** 64n) break
        return integer((bits >> 1n) ^ -(bits & 1n))
      }
    }
    throw new CodecError('avro: an integer is beyond 64 bits')
  }

  float(): number {
    return finite(this.bytes(4).readFloatLE())
  }

  double(): number {
    return finite(this.bytes(8).readDoubleLE())
  }

  bytes(length: number | bigint): Buffer {
    if (length < 0 || length > this.left) throw cut()
    const start = this.at
    this.at += Number(length)
    return this.data.subarray(start, this.at)
  }

  /** Bytes behind their length. */
  sized(): Buffer {
    return this.bytes(this.long())
  }

  text(): string {
    return decodeUtf8(this.sized())
  }

  /** Runs `read` for each element of the blocks of a list or map, up to the empty block at the end. */
  blocks(read: () => void): void {
    for (let count = this.long(); count !== 0; count = this.long()) {
      // After a negative count comes the size of the block. It is not needed by a reader of the whole block.
      if (count < 0) this.long()
      for (let left = count < 0 ? -count : count; left > 0; left--) read()
    }
  }
}
