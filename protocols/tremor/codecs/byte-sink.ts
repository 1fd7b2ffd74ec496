import { CodecError } from './errors'
import { encodeUtf8 } from './text'

/** Writes big-endian values one after the other. */
export class ByteSink {
  private readonly parts: Uint8Array[] = []

  u8(value: number): void {
    this.parts.push(Uint8Array.of(value))
  }

  u16(value: number): void {
    const part = Buffer.allocUnsafe(2)
    part.writeUInt16BE(value)
    this.parts.push(part)
  }

  u32(value: number): void {
    const part = Buffer.allocUnsafe(4)
    part.writeUInt32BE(value)
    this.parts.push(part)
  }

  /** The low 64 bits, so that signed and unsigned are written alike. */
  u64(value: number | bigint): void {
    const part = Buffer.allocUnsafe(8)
    part.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)))
    this.parts.push(part)
  }

  f64(value: number): void {
    const part = Buffer.allocUnsafe(8)
    part.writeDoubleBE(value)
    this.parts.push(part)
  }

  bytes(bytes: Uint8Array): void {
    this.parts.push(bytes)
  }

  /** UTF-8 behind its length in 16 bits. */
  shortText(text: string): void {
    const bytes = encodeUtf8(text)
    if (bytes.length > 0xffff) throw new CodecError('a text is longer than 65535 bytes')
    this.u16(bytes.length)
    this.bytes(bytes)
  }

  finish(): Buffer {
    return Buffer.concat(this.parts)
  }
}
