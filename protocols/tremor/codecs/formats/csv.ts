import type { Codec } from '../codec'
import { CodecError } from '../errors'
import type { CodecLimits } from '../limits'
import { decodeUtf8, encodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import { numeric, type Writable } from '../value'

/** `csv`: the first record of a chunk, as a list of texts; no header, comma, double quotes. */
export const csv = (_config: unknown, limits: CodecLimits): Codec => ({
  decode(chunk) {
    const text = decodeUtf8(chunk)
    const start = text.search(/[^\r\n]/)
    return start === -1 ? undefined : { value: readRecord(text, start, new TreeGuard(limits)) }
  },
  encode(value) {
    if (!Array.isArray(value)) throw new CodecError('csv: only a list can be a record')
    const fields = (value as readonly Writable[]).map(writeField)
    // An empty line is not a record. A single empty field has to be quoted for that reason.
    return encodeUtf8(fields.join(',') || '""')
  },
})

function readRecord(text: string, start: number, guard: TreeGuard): string[] {
  const fields: string[] = []
  const unquoted = /[^,\r\n]*/y
  let at = start
  for (;;) {
    guard.countValue()
    let content = ''
    if (text[at] === '"') {
      const end = endOfQuotes(text, at + 1)
      content = text.slice(at + 1, end).replaceAll('""', '"')
      at = Math.min(end + 1, text.length)
    }
    // What comes after closing quotes belongs to the field.
    unquoted.lastIndex = at
    const rest = unquoted.exec(text)?.[0] ?? ''
    at += rest.length
    fields.push(content + rest)
    if (text[at] !== ',') return fields
    at += 1
  }
}

/** Where the closing quote stands; the end of the text closes quotes, too. */
function endOfQuotes(text: string, start: number): number {
  for (let at = start; ; at += 2) {
    at = text.indexOf('"', at)
    if (at === -1) return text.length
    if (text[at + 1] !== '"') return at
  }
}

function writeField(value: Writable): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') {
    return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
  }
  const number = numeric(value)
  if (!number) throw new CodecError('csv: a field is a list, a record or bytes')
  return String(number.value)
}
