import type { Codec } from '../codec'
import { CodecError } from '../errors'
import { decodeUtf8, encodeUtf8, parseDouble } from '../text'
import { emptyRecord, field, maxInt64, numeric, type ValueRecord, type Writable } from '../value'
import { formatDecimal, parseDecimal } from './decimal'
import { asRecord, textOf } from './measurement'

const line = /^([^:]*):([+-]?)\+?([\d.][^|]*)\|(c|h|s|g|ms|)(?:\|@([^|]+))?$/

/** `statsd`: one `name:value|type[|@rate]` per chunk, as `{metric, value, type, action?, sample_rate?}`. */
export const statsd = (): Codec => ({
  decode: (chunk) => ({ value: read(decodeUtf8(chunk)) }),
  encode: write,
})

function read(text: string): ValueRecord {
  const [, name, sign = '', digits = '', type, rate] = line.exec(text) ?? []
  const isRelative = type === 'g' && sign !== ''
  // The sign of a gauge is an action, and its number the absolute value.
  const value = parseDecimal(isRelative || sign === '+' ? digits : sign + digits)
  const isTooSmall = isRelative && sign === '-' && typeof value === 'bigint' && value > maxInt64
  if (name === undefined || value === undefined || isTooSmall) throw new CodecError('statsd: not a metric')
  const metric = emptyRecord()
  if (type !== '' && type !== undefined) metric.type = type
  metric.metric = name
  metric.value = value
  if (isRelative) metric.action = sign === '+' ? 'add' : 'sub'
  if (rate !== undefined) {
    const sampleRate = parseDouble(rate)
    if (sampleRate === undefined) throw new CodecError('statsd: the rate is no number')
    metric.sample_rate = sampleRate
  }
  return metric
}

function write(value: Writable): Buffer {
  const metric = asRecord(value, 'statsd: a metric')
  const name = textOf(metric, 'metric', 'statsd')
  const type = textOf(metric, 'type', 'statsd')
  const number = numeric(field(metric, 'value'))
  if (!number) throw new CodecError('statsd: value must be a number')
  const action = type === 'g' ? field(metric, 'action') : undefined
  const sign = action === 'add' ? '+' : action === 'sub' ? '-' : ''
  const rate = numeric(field(metric, 'sample_rate'))
  const sampleRate = rate ? `|@${String(rate.value)}` : ''
  return encodeUtf8(`${name}:${sign}${formatDecimal(number)}|${type}${sampleRate}`)
}
