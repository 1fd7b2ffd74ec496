import { ByteReader } from '../byte-reader'
import { ByteSink } from '../byte-sink'
import type { Codec } from '../codec'
import { CodecError } from '../errors'
import type { CodecLimits } from '../limits'
import { encodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import { emptyRecord, isRecord, numeric, type Value, type ValueRecord, type Writable } from '../value'

/**
 * `msgpack`: one object per chunk, bytes after it are ignored. Keys must be text, extension types fail, and so does
 * a length that the chunk cannot hold.
 */
export const msgpack = (_config: unknown, limits: CodecLimits): Codec => ({
  decode: (chunk) => ({ value: new Reading(chunk, limits).value() }),
  encode(value) {
    const out = new ByteSink()
    write(value, out, limits.maxDepth)
    return out.finish()
  },
})

class Reading {
  private readonly reader: ByteReader
  private readonly guard: TreeGuard

  constructor(chunk: Buffer, limits: CodecLimits) {
    this.reader = new ByteReader(chunk, 'msgpack')
    this.guard = new TreeGuard(limits)
  }

  value(): Value {
    this.guard.countValue()
    const marker = this.reader.u8()
    if (marker <= 0x7f) return marker
    if (marker <= 0x8f) return this.record(marker & 0x0f)
    if (marker <= 0x9f) return this.list(marker & 0x0f)
    if (marker <= 0xbf) return this.reader.text(marker & 0x1f)
    if (marker >= 0xe0) return marker - 0x100
    return this.marked(marker)
  }

  private marked(marker: number): Value {
    const { reader } = this
    switch (marker) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return reader.bytes(reader.u8())
      case 0xc5:
        return reader.bytes(reader.u16())
      case 0xc6:
        return reader.bytes(reader.u32())
      case 0xca:
        return reader.f32()
      case 0xcb:
        return reader.f64()
      case 0xcc:
        return reader.u8()
      case 0xcd:
        return reader.u16()
      case 0xce:
        return reader.u32()
      case 0xcf:
        return reader.u64()
      case 0xd0:
        return reader.i8()
      case 0xd1:
        return reader.i16()
      case 0xd2:
        return reader.i32()
      case 0xd3:
        return reader.i64()
      case 0xd9:
        return reader.text(reader.u8())
      case 0xda:
        return reader.text(reader.u16())
      case 0xdb:
        return reader.text(reader.u32())
      case 0xdc:
        return this.list(reader.u16())
      case 0xdd:
        return this.list(reader.u32())
      case 0xde:
        return this.record(reader.u16())
      case 0xdf:
        return this.record(reader.u32())
      default:
        throw new CodecError('msgpack: a type that is not supported')
    }
  }

  private list(length: number): Value[] {
    return this.guard.within(() => Array.from({ length: this.reader.count(length, 1) }, () => this.value()))
  }

  private record(length: number): ValueRecord {
    return this.guard.within(() => {
      const record = emptyRecord()
      for (let left = this.reader.count(length, 2); left > 0; left--) {
        const name = this.value()
        if (typeof name !== 'string') throw new CodecError('msgpack: a key is not text')
        record[name] = this.value()
      }
      return record
    })
  }
}

function write(value: Writable, out: ByteSink, depthLeft: number): void {
  if (depthLeft < 0) throw new CodecError('values lie too deep inside each other')
  const number = numeric(value)
  if (value === null) out.u8(0xc0)
  else if (typeof value === 'boolean') out.u8(value ? 0xc3 : 0xc2)
  else if (number?.kind === 'double') {
    out.u8(0xcb)
    out.f64(number.value)
  } else if (number) writeInteger(number.value, out)
  else if (typeof value === 'string') writeText(value, out)
  else if (value instanceof Uint8Array) {
    writeLength(value.length, out, { u8: 0xc4, u16: 0xc5, u32: 0xc6 })
    out.bytes(value)
  } else if (Array.isArray(value)) {
    writeLength(value.length, out, { fix: [0x90, 15], u16: 0xdc, u32: 0xdd })
    for (const one of value as readonly Writable[]) write(one, out, depthLeft - 1)
  } else if (isRecord(value)) {
    const names = Object.keys(value)
    writeLength(names.length, out, { fix: [0x80, 15], u16: 0xde, u32: 0xdf })
    for (const name of names) {
      writeText(name, out)
      write(value[name] as Writable, out, depthLeft - 1)
    }
  } else throw new CodecError('a value of no known kind')
}

function writeText(text: string, out: ByteSink): void {
  const bytes = encodeUtf8(text)
  writeLength(bytes.length, out, { fix: [0xa0, 31], u8: 0xd9, u16: 0xda, u32: 0xdb })
  out.bytes(bytes)
}

/** Markers for a length in the marker itself (with the largest that fits), or in the bytes after it. */
interface LengthMarkers {
  fix?: readonly [marker: number, max: number]
  u8?: number
  u16: number
  u32: number
}

function writeLength(length: number, out: ByteSink, { fix, u8, u16, u32 }: LengthMarkers): void {
  if (fix && length <= fix[1]) out.u8(fix[0] + length)
  else if (u8 !== undefined && length <= 0xff) {
    out.u8(u8)
    out.u8(length)
  } else if (length <= 0xffff) {
    out.u8(u16)
    out.u16(length)
  } else {
    out.u8(u32)
    out.u32(length)
  }
}

/** The smallest form. */
function writeInteger(value: number | bigint, out: ByteSink): void {
  const isNegative = value < 0
  const fits = (bits: number) =>
    isNegative ? value >= -(2n ** BigInt(bits - 1)) : value < 2n ** BigInt(bits)
  if (value >= -32 && value <= 0x7f) out.u8(Number(value) & 0xff)
  else if (fits(8)) {
    out.u8(isNegative ? 0xd0 : 0xcc)
    out.u8(Number(value) & 0xff)
  } else if (fits(16)) {
    out.u8(isNegative ? 0xd1 : 0xcd)
    out.u16(Number(value) & 0xffff)
  } else if (fits(32)) {
    out.u8(isNegative ? 0xd2 : 0xce)
    out.u32(Number(value) >>> 0)
  } else {
    out.u8(isNegative ? 0xd3 : 0xcf)
    out.u64(value)
  }
}
