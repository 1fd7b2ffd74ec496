import { CodecError } from '../errors'
import { encodeUtf8 } from '../text'
import { field, isRecord, numeric, unsigned, type Writable, type WritableRecord } from '../value'
import { asRecord, textOf } from './measurement'
import { facilities, headerParts, months, severities } from './syslog-names'

const nsPerMs = 1_000_000n

/** @throws CodecError where something is missing or has no way to be written */
export function writeSyslog(value: Writable): Buffer {
  const record = asRecord(value, 'syslog: a message')
  const priority = indexOf(facilities, record, 'facility') * 8 + indexOf(severities, record, 'severity')
  const protocol = textOf(record, 'protocol', 'syslog')
  if (protocol === 'RFC5424') return encodeUtf8(`<${priority}>${write5424(record)}`)
  if (protocol === 'RFC3164') return encodeUtf8(`<${priority}>${write3164(record)}`)
  throw new CodecError('syslog: protocol is RFC5424 or RFC3164')
}

function indexOf(names: readonly string[], record: WritableRecord, key: string): number {
  const index = names.indexOf(textOf(record, key, 'syslog'))
  if (index === -1) throw new CodecError(`syslog: ${key} is not known`)
  return index
}

function write5424(record: WritableRecord): string {
  const version = unsigned(field(record, 'protocol_version'))
  if (version === undefined) throw new CodecError('syslog: protocol_version must be a whole number')
  const date = readDate(record)
  const parts = headerParts.map((key) => part(record, key) ?? '-')
  const header = [version, date ? writeTime(date) : '-', ...parts, writeStructuredData(record)].join(' ')
  const message = optionalText(record, 'msg')
  return message ? `${header} ${message}` : header
}

function write3164(record: WritableRecord): string {
  const date = readDate(record)
  if (!date) throw new CodecError('syslog: timestamp must be a whole number')
  const at = new Date(date.ms)
  const day = String(at.getUTCDate()).padStart(2)
  const time = at.toISOString().slice(11, 19)
  const hostname = part(record, 'hostname') ?? '-'
  const appname = part(record, 'appname')
  const procid = part(record, 'procid')
  const tag = appname === undefined ? '' : `${appname}${procid === undefined ? '' : `[${procid}]`}: `
  return `${months[at.getUTCMonth()]} ${day} ${time} ${hostname} ${tag}${optionalText(record, 'msg') ?? ''}`
}

function readDate(record: WritableRecord): { ms: number; ns: bigint } | undefined {
  const number = numeric(field(record, 'timestamp'))
  if (!number) return undefined
  if (number.kind !== 'integer') throw new CodecError('syslog: timestamp must be a whole number')
  const total = BigInt(number.value)
  const ns = ((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return { ms: Number((total - ns) / nsPerMs), ns }
}

/** UTC, with as many groups of three digits behind the second as are needed. */
function writeTime({ ms, ns }: { ms: number; ns: bigint }): string {
  const fraction = String(ns)
    .padStart(9, '0')
    .replace(/(?:000){1,3}$/, '')
  return `${new Date(ms).toISOString().slice(0, 19)}${fraction && `.${fraction}`}+00:00`
}

function optionalText(record: WritableRecord, key: string): string | undefined {
  return field(record, key) === undefined ? undefined : textOf(record, key, 'syslog')
}

function part(record: WritableRecord, key: string): string | undefined {
  const text = optionalText(record, key)
  if (text !== undefined && !/^\S+$/.test(text)) throw new CodecError(`syslog: ${key} has a blank in it`)
  return text
}

function writeStructuredData(record: WritableRecord): string {
  const data = field(record, 'structured_data')
  if (data === undefined) return '-'
  return Object.entries(asRecord(data, 'syslog: structured_data'))
    .map(([id, parameters]) => `[${[name(id), ...writeParameters(parameters)].join(' ')}]`)
    .join('')
}

function writeParameters(parameters: Writable): string[] {
  if (!Array.isArray(parameters)) throw new CodecError('syslog: an element must be a list of records')
  return (parameters as readonly Writable[]).flatMap((parameter) => {
    if (!isRecord(parameter)) throw new CodecError('syslog: an element must be a list of records')
    return Object.keys(parameter).map(
      (key) => `${name(key)}="${textOf(parameter, key, 'syslog').replace(/["\\\]]/g, '\\$&')}"`,
    )
  })
}

function name(text: string): string {
  if (!/^[^\s=\]"]+$/.test(text)) throw new CodecError('syslog: a name of structured data is not valid')
  return text
}
