import { ByteReader } from '../byte-reader'
import { ByteSink } from '../byte-sink'
import type { Codec } from '../codec'
import { CodecError } from '../errors'
import type { CodecLimits } from '../limits'
import { encodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import {
  emptyRecord,
  isRecord,
  maxInt64,
  numeric,
  type Value,
  type ValueRecord,
  type Writable,
} from '../value'

const version = 0
const type = { null: 0, true: 1, false: 2, i64: 3, u64: 4, f64: 5, text: 6, bytes: 7, list: 8, record: 9 }
/** A key has a length, its value at least a type. */
const smallestEntry = 9

/** `tremor`: the runtime's own binary format, version 0. Bytes after the value are ignored. */
export const tremor = (_config: unknown, limits: CodecLimits): Codec => ({
  decode(chunk) {
    const reader = new ByteReader(chunk, 'tremor')
    if (reader.u16() !== version) throw new CodecError('tremor: another version')
    return { value: read(reader, new TreeGuard(limits)) }
  },
  encode(value) {
    const out = new ByteSink()
    out.u16(version)
    write(value, out, limits.maxDepth)
    return out.finish()
  },
})

function read(reader: ByteReader, guard: TreeGuard): Value {
  guard.countValue()
  switch (reader.u8()) {
    case type.null:
      return null
    case type.true:
      return true
    case type.false:
      return false
    case type.i64:
      return reader.i64()
    case type.u64:
      return reader.u64()
    case type.f64:
      return reader.f64()
    case type.text:
      return reader.text(reader.u64())
    case type.bytes:
      return reader.bytes(reader.u64())
    case type.list:
      return guard.within(() => readList(reader, guard))
    case type.record:
      return guard.within(() => readRecord(reader, guard))
    default:
      throw new CodecError('tremor: a type that is not known')
  }
}

const readList = (reader: ByteReader, guard: TreeGuard): Value[] =>
  Array.from({ length: reader.count(reader.u64(), 1) }, () => read(reader, guard))

function readRecord(reader: ByteReader, guard: TreeGuard): ValueRecord {
  const record = emptyRecord()
  for (let left = reader.count(reader.u64(), smallestEntry); left > 0; left--) {
    const name = reader.text(reader.u64())
    record[name] = read(reader, guard)
  }
  return record
}

function write(value: Writable, out: ByteSink, depthLeft: number): void {
  if (depthLeft < 0) throw new CodecError('values lie too deep inside each other')
  const number = numeric(value)
  if (value === null) out.u8(type.null)
  else if (typeof value === 'boolean') out.u8(value ? type.true : type.false)
  else if (number?.kind === 'double') {
    out.u8(type.f64)
    out.f64(number.value)
  } else if (number) {
    out.u8(number.value > maxInt64 ? type.u64 : type.i64)
    out.u64(number.value)
  } else if (typeof value === 'string') {
    out.u8(type.text)
    writeBytes(encodeUtf8(value), out)
  } else if (value instanceof Uint8Array) {
    out.u8(type.bytes)
    writeBytes(value, out)
  } else if (Array.isArray(value)) {
    out.u8(type.list)
    out.u64(value.length)
    for (const one of value as readonly Writable[]) write(one, out, depthLeft - 1)
  } else if (isRecord(value)) {
    const names = Object.keys(value)
    out.u8(type.record)
    out.u64(names.length)
    for (const name of names) {
      writeBytes(encodeUtf8(name), out)
      write(value[name] as Writable, out, depthLeft - 1)
    }
  } else throw new CodecError('a value of no known kind')
}

function writeBytes(bytes: Uint8Array, out: ByteSink): void {
  out.u64(bytes.length)
  out.bytes(bytes)
}
