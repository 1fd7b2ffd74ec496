import { ByteReader } from '../byte-reader'
import { ByteSink } from '../byte-sink'
import type { Codec } from '../codec'
import { CodecError } from '../errors'
import type { CodecLimits } from '../limits'
import { TreeGuard } from '../tree-guard'
import { emptyRecord, field, maxInt64, numeric, type Value, type ValueRecord, type Writable } from '../value'
import { asRecord, recordOf, textOf, textTags, unsignedOf } from './measurement'

const version = 0
const type = { i64: 0, f64: 1, text: 2, true: 3, false: 4 }

/** `binflux`: measurements in a binary form, version 0. Bytes after the record are ignored. */
export const binflux = (_config: unknown, limits: CodecLimits): Codec => ({
  decode: (chunk) => ({ value: read(new ByteReader(chunk, 'binflux'), new TreeGuard(limits)) }),
  encode: write,
})

function read(reader: ByteReader, guard: TreeGuard): ValueRecord {
  if (reader.u16() !== version) throw new CodecError('binflux: another version')
  const record = emptyRecord()
  record.measurement = readText(reader)
  const timestamp = reader.u64()
  record.tags = readEntries(reader, guard, readText)
  record.fields = readEntries(reader, guard, readField)
  record.timestamp = timestamp
  return record
}

const readText = (reader: ByteReader): string => reader.text(reader.u16())

function readEntries(
  reader: ByteReader,
  guard: TreeGuard,
  readValue: (reader: ByteReader) => Value,
): ValueRecord {
  const entries = emptyRecord()
  for (let left = reader.u16(); left > 0; left--) {
    guard.countValue()
    const name = readText(reader)
    entries[name] = readValue(reader)
  }
  return entries
}

function readField(reader: ByteReader): Value {
  switch (reader.u8()) {
    case type.i64:
      return reader.i64()
    case type.f64:
      return reader.f64()
    case type.text:
      return readText(reader)
    case type.true:
      return true
    case type.false:
      return false
    default:
      throw new CodecError('binflux: a type that is not known')
  }
}

function write(value: Writable): Buffer {
  const record = asRecord(value, 'binflux: a measurement')
  const out = new ByteSink()
  out.u16(version)
  out.shortText(textOf(record, 'measurement', 'binflux'))
  out.u64(unsignedOf(record, 'timestamp', 'binflux'))
  const tags = field(record, 'tags') === undefined ? [] : textTags(recordOf(record, 'tags', 'binflux'))
  writeCount(tags.length, out)
  for (const [name, tag] of tags) {
    out.shortText(name)
    out.shortText(tag)
  }
  const fields =
    field(record, 'fields') === undefined ? [] : Object.entries(recordOf(record, 'fields', 'binflux'))
  writeCount(fields.length, out)
  for (const [name, one] of fields) {
    out.shortText(name)
    writeField(one, out)
  }
  return out.finish()
}

function writeCount(count: number, out: ByteSink): void {
  if (count > 0xffff) throw new CodecError('binflux: more than 65535 tags or fields')
  out.u16(count)
}

function writeField(value: Writable, out: ByteSink): void {
  const number = numeric(value)
  if (typeof value === 'boolean') out.u8(value ? type.true : type.false)
  else if (typeof value === 'string') {
    out.u8(type.text)
    out.shortText(value)
  } else if (number?.kind === 'double') {
    out.u8(type.f64)
    out.f64(number.value)
  } else if (number && number.value <= maxInt64) {
    out.u8(type.i64)
    out.u64(number.value)
  } else throw new CodecError('binflux: a field is neither text, boolean nor a number that fits')
}
