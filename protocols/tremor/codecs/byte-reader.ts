import { CodecError } from './errors'
import { decodeUtf8 } from './text'
import { finite, integer } from './value'

/** Reads big-endian values one after the other. Every method throws a CodecError where the data is cut off. */
export class ByteReader {
  private at = 0

  constructor(
    private readonly data: Buffer,
    private readonly format: string,
  ) {}

  get left(): number {
    return this.data.length - this.at
  }

  u8(): number {
    return this.data.readUInt8(this.skip(1))
  }

  i8(): number {
    return this.data.readInt8(this.skip(1))
  }

  u16(): number {
    return this.data.readUInt16BE(this.skip(2))
  }

  i16(): number {
    return this.data.readInt16BE(this.skip(2))
  }

  u32(): number {
    return this.data.readUInt32BE(this.skip(4))
  }

  i32(): number {
    return this.data.readInt32BE(this.skip(4))
  }

  u64(): number | bigint {
    return integer(this.data.readBigUInt64BE(this.skip(8)))
  }

  i64(): number | bigint {
    return integer(this.data.readBigInt64BE(this.skip(8)))
  }

  /** Not finite fails. */
  f32(): number {
    return finite(this.data.readFloatBE(this.skip(4)))
  }

  /** Not finite fails. */
  f64(): number {
    return finite(this.data.readDoubleBE(this.skip(8)))
  }

  bytes(length: number | bigint): Buffer {
    const start = this.skip(length)
    return this.data.subarray(start, this.at)
  }

  /** Not UTF-8 fails. */
  text(length: number | bigint): string {
    return decodeUtf8(this.bytes(length))
  }

  /** A number of elements, each of which takes some bytes: more than can be there fails at once. */
  count(elements: number | bigint, bytesEach: number): number {
    if (Number(elements) * bytesEach > this.left) throw this.cut()
    return Number(elements)
  }

  private skip(length: number | bigint): number {
    if (length > this.left) throw this.cut()
    const start = this.at
    this.at += Number(length)
    return start
  }

  private cut(): CodecError {
    return new CodecError(`${this.format}: cut off`)
  }
}
