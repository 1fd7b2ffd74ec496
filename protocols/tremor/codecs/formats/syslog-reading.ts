import { nanosecondReader } from '../../../../src/util/rfc3339'
import type { TreeGuard } from '../tree-guard'
import { emptyRecord, integer, type ValueRecord } from '../value'
import { readStructuredData } from './syslog-elements'
import { facilities, headerParts, months, severities } from './syslog-names'

const priority = /^<(\d{1,3})>/
const header5424 = /^([1-9]\d{0,2}) (-|\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (?=-|\[)/
const header3164 =
  /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\S+) (?:([^\s:[\]]+)(?:\[([^\]\s]*)\])?: ?)?/
const readTime = nanosecondReader({ carriesDays: true })
const nsPerMs = 1_000_000n
const msPerDay = 86_400_000

/** Text that is not a header belongs to the message. No text is refused. */
export function readSyslog(text: string, ingestNs: bigint, guard: TreeGuard): ValueRecord {
  const record = emptyRecord()
  const [start = '', number] = priority.exec(text) ?? []
  const facility = facilities[Math.floor(Number(number) / 8)]
  if (number === undefined || facility === undefined) return without(record, text)
  record.severity = severities[Number(number) % 8] as string
  record.facility = facility
  const rest = text.slice(start.length)
  return read5424(record, rest, guard) ?? read3164(record, rest, ingestNs) ?? without(record, rest)
}

function without(record: ValueRecord, text: string): ValueRecord {
  record.protocol = 'RFC3164'
  record.msg = text
  return record
}

function read5424(record: ValueRecord, text: string, guard: TreeGuard): ValueRecord | undefined {
  const [header, version, time = '-', ...parts] = header5424.exec(text) ?? []
  if (header === undefined) return undefined
  const timestamp = time === '-' ? undefined : readTime(time)
  if (time !== '-' && timestamp === undefined) return undefined
  record.protocol = 'RFC5424'
  record.protocol_version = Number(version)
  if (timestamp !== undefined) record.timestamp = integer(timestamp)
  for (const [index, key] of headerParts.entries()) setPart(record, key, parts[index] ?? '-')
  const rest = text.slice(header.length)
  const { elements, end } = readStructuredData(rest, guard)
  if (elements) record.structured_data = elements
  record.msg = rest.slice(end).replace(/^ /, '')
  return record
}

function setPart(record: ValueRecord, key: string, part: string): void {
  if (part !== '-') record[key] = part
}

function read3164(record: ValueRecord, text: string, ingestNs: bigint): ValueRecord | undefined {
  const [header, month = '', day, hour, minute, second, hostname, appname, procid] =
    header3164.exec(text) ?? []
  const monthIndex = months.indexOf(month)
  if (header === undefined || monthIndex === -1) return undefined
  const ingestMs = Number(ingestNs / nsPerMs)
  const year = new Date(ingestMs).getUTCFullYear()
  const inYear = (one: number) =>
    Date.UTC(one, monthIndex, Number(day), Number(hour), Number(minute), Number(second))
  // There is no year: take the last time that this date has been. A day is allowed for clocks that differ.
  const ms = inYear(year) > ingestMs + msPerDay ? inYear(year - 1) : inYear(year)
  if (Number.isNaN(ms)) return undefined
  record.protocol = 'RFC3164'
  record.timestamp = integer(BigInt(ms) * nsPerMs)
  for (const [key, part] of Object.entries({ hostname, appname, procid })) setPart(record, key, part ?? '-')
  record.msg = text.slice(header.length)
  return record
}
