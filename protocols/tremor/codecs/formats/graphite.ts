import type { Codec, ContentMeta } from '../codec'
import { CodecError } from '../errors'
import { decodeUtf8, encodeUtf8, parseInteger } from '../text'
import { emptyRecord, field, integer, maxUint64, numeric, type ValueRecord, type Writable } from '../value'
import { formatDecimal, parseDecimal } from './decimal'
import { asRecord, textOf, unsignedOf } from './measurement'

const nsPerSecond = 1_000_000_000n
const line = /^([^ ]*) ([^ ]+) (-1|\d+)$/

/**
 * `graphite-plaintext`: one `name value seconds` per chunk, as `{metric, value, timestamp}` with nanoseconds; -1
 * seconds are the ingest time.
 */
export const graphite = (): Codec => ({
  decode: (chunk, meta) => ({ value: read(decodeUtf8(chunk), meta) }),
  encode: write,
})

function read(text: string, { ingestNs }: ContentMeta): ValueRecord {
  const [, name, digits = '', seconds = ''] = line.exec(text) ?? []
  const value = parseDecimal(digits)
  const timestamp = seconds === '-1' ? ingestNs : (parseInteger(seconds) ?? maxUint64) * nsPerSecond
  if (name === undefined || value === undefined || timestamp > maxUint64) {
    throw new CodecError('graphite-plaintext: not a metric')
  }
  const metric = emptyRecord()
  metric.metric = name
  metric.value = value
  metric.timestamp = integer(timestamp)
  return metric
}

function write(value: Writable): Buffer {
  const metric = asRecord(value, 'graphite-plaintext: a metric')
  const name = textOf(metric, 'metric', 'graphite-plaintext')
  const number = numeric(field(metric, 'value'))
  if (!number) throw new CodecError('graphite-plaintext: value must be a number')
  const seconds = unsignedOf(metric, 'timestamp', 'graphite-plaintext') / nsPerSecond
  return encodeUtf8(`${name} ${formatDecimal(number)} ${seconds}`)
}
