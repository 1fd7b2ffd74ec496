import { CodecError } from '../errors'
import { byUtf8, encodeUtf8, formatDouble } from '../text'
import { numeric, type Writable } from '../value'
import { asRecord, recordOf, textOf, textTags, unsignedOf } from './measurement'

const inMeasurement = /[\\, ]/g
const inTag = /[\\, =]/g
// Quotes are escaped in the names of fields although the protocol knows no such escape: so does the original.
const inFieldName = /[\\, ="]/g

/** @throws CodecError where something is missing or has no way to be written */
export function writeInflux(value: Writable): Buffer {
  const line = asRecord(value, 'influx: a measurement')
  const measurement = textOf(line, 'measurement', 'influx')
  const tags = textTags(recordOf(line, 'tags', 'influx')).sort(([a], [b]) => byUtf8(a, b))
  const fields = Object.entries(recordOf(line, 'fields', 'influx')).sort(([a], [b]) => byUtf8(a, b))
  if (fields.length === 0) throw new CodecError('influx: no fields')
  const head = [
    escape(measurement, inMeasurement),
    ...tags.map(([name, tag]) => `${escape(name, inTag)}=${escape(tag, inTag)}`),
  ]
  const body = fields.map(([name, one]) => `${escape(name, inFieldName)}=${writeField(one)}`)
  return encodeUtf8(`${head.join(',')} ${body.join(',')} ${unsignedOf(line, 'timestamp', 'influx')}`)
}

const escape = (text: string, signs: RegExp): string => text.replace(signs, '\\$&')

function writeField(value: Writable): string {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return `"${escape(value, /["\\]/g)}"`
  const number = numeric(value)
  if (!number) throw new CodecError('influx: a field is neither text, boolean nor a number')
  return number.kind === 'integer' ? `${number.value}i` : formatDouble(number.value)
}
