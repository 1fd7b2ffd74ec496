import { CodecError } from '../errors'
import { decodeUtf8, parseDouble, parseInteger } from '../text'
import type { TreeGuard } from '../tree-guard'
import { emptyRecord, integer, maxUint64, type Value, type ValueRecord } from '../value'
import { eventSections, metricSections, serviceCheckSections, type Section } from './dogstatsd-sections'

const types = new Set(['c', 'd', 'g', 'h', 's', 'ms'])

const invalid = (what: string) => new CodecError(`dogstatsd: ${what}`)

/** `name:v[:v...]|type[|@rate][|#tag,tag][|c:id]` */
export function readMetric(text: string, guard: TreeGuard): ValueRecord {
  const [head = '', type, ...sections] = guard.split(text, '|')
  const [name, ...values] = guard.split(head, ':')
  if (name === undefined || values.length === 0 || type === undefined) throw invalid('not a metric')
  const metric = emptyRecord()
  metric.metric = name
  metric.values = values.map(readDouble)
  if (types.has(type)) metric.type = type
  readSections(metric, sections, metricSections, guard)
  return metric
}

/** `_e{title bytes,text bytes}:title|text[|...]`; the lengths count bytes. */
export function readEvent(chunk: Buffer, guard: TreeGuard): ValueRecord {
  const header = /^_e\{(\d{1,10}),(\d{1,10})\}:/.exec(chunk.toString('latin1', 0, 30))
  if (!header) throw invalid('not an event')
  const titleStart = header[0].length
  const titleEnd = titleStart + Number(header[1])
  const textEnd = titleEnd + 1 + Number(header[2])
  const rest = chunk.subarray(textEnd)
  if (textEnd > chunk.length || chunk[titleEnd] !== 0x7c) throw invalid('a length does not fit')
  if (rest.length > 0 && rest[0] !== 0x7c) throw invalid('a length does not fit')
  const event = emptyRecord()
  event.title = decodeUtf8(chunk.subarray(titleStart, titleEnd))
  event.text = decodeUtf8(chunk.subarray(titleEnd + 1, textEnd))
  readSections(event, guard.split(decodeUtf8(rest), '|').slice(1), eventSections, guard)
  return event
}

/** `_sc|name|0..3[|...]` */
export function readServiceCheck(text: string, guard: TreeGuard): ValueRecord {
  const [, name, status = '', ...sections] = guard.split(text, '|')
  if (name === undefined || !/^[0-3]$/.test(status)) throw invalid('not a service check')
  const check = emptyRecord()
  check.name = name
  check.status = Number(status)
  readSections(check, sections, serviceCheckSections, guard)
  return check
}

/** Sections that are not known are skipped. */
function readSections(
  record: ValueRecord,
  texts: readonly string[],
  sections: readonly Section[],
  guard: TreeGuard,
): void {
  for (const text of texts) {
    const section = sections.find(({ mark }) => text.startsWith(mark))
    if (section) record[section.key] = readSection(section, text.slice(section.mark.length), guard)
  }
}

function readSection({ kind }: Section, text: string, guard: TreeGuard): Value {
  switch (kind) {
    case 'text':
      return text
    case 'rate':
      return readDouble(text)
    case 'time':
      return readTime(text)
    case 'tags':
      return guard.split(text, ',')
  }
}

function readTime(text: string): number | bigint {
  const time = parseInteger(text)
  if (time === undefined || time < 0 || time > maxUint64) throw invalid('not a time')
  return integer(time)
}

function readDouble(text: string): number {
  const value = parseDouble(text)
  if (value === undefined) throw invalid('not a number')
  return value
}
