import { CodecError } from '../errors'
import { encodeUtf8 } from '../text'
import { field, numeric, unsigned, type Writable, type WritableRecord } from '../value'
import { eventSections, metricSections, serviceCheckSections, type Section } from './dogstatsd-sections'
import { asRecord, textOf } from './measurement'

/** @throws CodecError where something is missing, or would be read as something else */
export function writeDogstatsd(value: Writable): Buffer {
  const record = asRecord(value, 'dogstatsd: a value')
  const part = (name: string) => asRecord(field(record, name), `dogstatsd: ${name}`)
  const { metric, event, service_check: check } = record
  if (metric !== undefined) return encodeUtf8(writeMetric(part('metric')))
  if (event !== undefined) return encodeUtf8(writeEvent(part('event')))
  if (check !== undefined) return encodeUtf8(writeServiceCheck(part('service_check')))
  throw new CodecError('dogstatsd: neither metric, event nor service_check')
}

function writeMetric(metric: WritableRecord): string {
  const name = plain(textOf(metric, 'metric', 'dogstatsd'), /[:|]/)
  const values = field(metric, 'values')
  if (!Array.isArray(values) || values.length === 0) {
    throw new CodecError('dogstatsd: values must be a list of numbers')
  }
  const numbers = (values as readonly Writable[]).map(writeNumber).join(':')
  const type = plain(textOf(metric, 'type', 'dogstatsd'), /\|/)
  return `${name}:${numbers}|${type}${writeSections(metric, metricSections)}`
}

function writeEvent(event: WritableRecord): string {
  const title = textOf(event, 'title', 'dogstatsd')
  const text = textOf(event, 'text', 'dogstatsd')
  const lengths = `${Buffer.byteLength(title)},${Buffer.byteLength(text)}`
  return `_e{${lengths}}:${title}|${text}${writeSections(event, eventSections)}`
}

function writeServiceCheck(check: WritableRecord): string {
  const name = plain(textOf(check, 'name', 'dogstatsd'), /\|/)
  const status = unsigned(field(check, 'status'))
  if (status === undefined || status > 3n) throw new CodecError('dogstatsd: status must be 0, 1, 2 or 3')
  return `_sc|${name}|${status}${writeSections(check, serviceCheckSections)}`
}

const writeSections = (record: WritableRecord, sections: readonly Section[]): string =>
  sections
    .map((section) => {
      const value = field(record, section.key)
      return value === undefined ? '' : `|${section.mark}${writeSection(section, value)}`
    })
    .join('')

function writeSection({ kind, key }: Section, value: Writable): string {
  if (kind === 'rate') return writeNumber(value)
  if (kind === 'text' && typeof value === 'string') return plain(value, /\|/)
  const time = kind === 'time' ? unsigned(value) : undefined
  if (time !== undefined) return String(time)
  if (kind === 'tags' && Array.isArray(value)) {
    return (value as readonly Writable[])
      .map((tag) => {
        if (typeof tag !== 'string') throw new CodecError('dogstatsd: a tag is not text')
        return plain(tag, /[|,]/)
      })
      .join(',')
  }
  throw new CodecError(`dogstatsd: ${key} has the wrong type`)
}

function writeNumber(value: Writable): string {
  const number = numeric(value)
  if (!number) throw new CodecError('dogstatsd: not a number')
  return String(number.value)
}

/** The format has no escapes: a separator inside a text would be read as one. */
function plain(text: string, separators: RegExp): string {
  if (separators.test(text)) throw new CodecError('dogstatsd: a text has a separator in it')
  return text
}
