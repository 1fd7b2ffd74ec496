import { CodecError } from '../errors'
import { parseDouble, parseInteger, parseUnsigned } from '../text'
import type { TreeGuard } from '../tree-guard'
import { emptyRecord, fitsInt64, integer, maxUint64, type Value, type ValueRecord } from '../value'

const booleans = new Map<string, boolean>([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, false] as const),
])

/** Where a name or a bare value ends, and what a backslash makes an ordinary sign there. */
const measurementEnd = { stops: ', ', escaped: /\\([\\, ])/g }
const tagValueEnd = { stops: ', ', escaped: /\\([\\, =])/g }
const tagNameEnd = { stops: ',= ', escaped: /\\([\\, =])/g }
// A second blank in front of a field belongs to its name.
const fieldNameEnd = { stops: ',=', escaped: /\\([\\, =])/g }

const invalid = (what: string) => new CodecError(`influx: ${what}`)

/** Reads one line, already trimmed. */
export class InfluxReader {
  private at = 0

  constructor(
    private readonly text: string,
    private readonly guard: TreeGuard,
  ) {}

  /** @throws CodecError */
  line(ingestNs: bigint): ValueRecord {
    const line = emptyRecord()
    line.measurement = this.upTo(measurementEnd)
    line.tags = this.tags()
    line.fields = this.fields()
    line.timestamp = this.time(ingestNs)
    return line
  }

  private tags(): ValueRecord {
    const tags = emptyRecord()
    while (this.takes(',')) {
      this.guard.countValue()
      const name = this.upTo(tagNameEnd)
      if (!this.takes('=')) throw invalid('a tag without a value')
      tags[name] = this.upTo(tagValueEnd)
    }
    if (!this.takes(' ')) throw invalid('no fields')
    return tags
  }

  private fields(): ValueRecord {
    const fields = emptyRecord()
    do {
      this.guard.countValue()
      const name = this.upTo(fieldNameEnd)
      if (!this.takes('=')) throw invalid('a field without a value')
      fields[name] = this.takes('"') ? this.quoted() : this.bare()
    } while (this.takes(','))
    return fields
  }

  private time(ingestNs: bigint): number | bigint {
    if (this.at === this.text.length) return integer(ingestNs)
    if (!this.takes(' ')) throw invalid('something after a text')
    const time = parseUnsigned(this.text.slice(this.at))
    if (time === undefined || time > maxUint64) throw invalid('not a time')
    return integer(time)
  }

  /** The text up to an unescaped stop, which is left for the caller, or to the end. */
  private upTo({ stops, escaped }: typeof measurementEnd): string {
    const start = this.at
    while (this.at < this.text.length && !stops.includes(this.text[this.at] ?? '')) {
      this.at += this.text[this.at] === '\\' ? 2 : 1
    }
    this.at = Math.min(this.at, this.text.length)
    return this.text.slice(start, this.at).replace(escaped, '$1')
  }

  private quoted(): string {
    const start = this.at
    while (this.text[this.at] !== '"') {
      if (this.at >= this.text.length) throw invalid('a text does not end')
      this.at += this.text[this.at] === '\\' ? 2 : 1
    }
    this.at += 1
    return this.text.slice(start, this.at - 1).replace(/\\(["\\])/g, '$1')
  }

  private bare(): Value {
    const start = this.at
    while (this.at < this.text.length && !', '.includes(this.text[this.at] ?? '')) this.at += 1
    const literal = this.text.slice(start, this.at)
    const value =
      booleans.get(literal) ?? (literal.endsWith('i') ? readInteger(literal) : parseDouble(literal))
    if (value === undefined) throw invalid('not a value')
    return value
  }

  private takes(sign: string): boolean {
    if (this.text[this.at] !== sign) return false
    this.at += 1
    return true
  }
}

function readInteger(literal: string): number | bigint | undefined {
  const value = parseInteger(literal.slice(0, -1))
  return value !== undefined && fitsInt64(value) ? integer(value) : undefined
}
