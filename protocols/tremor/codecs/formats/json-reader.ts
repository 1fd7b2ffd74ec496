import { CodecError } from '../errors'
import type { TreeGuard } from '../tree-guard'
import { emptyRecord, finite, fitsInt64, integer, type Value, type ValueRecord } from '../value'

const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const space = /[ \t\n\r]*/y
/** Every integer of so many digits is exact in a JavaScript number. */
const safeDigits = 15

const invalid = () => new CodecError('json: not one JSON document')

/**
 * Reads one JSON document (RFC 8259). `JSON.parse` would silently round integers beyond 2^53 and turn 1e400 into
 * infinity; here integers are exact up to 64 bits, and what does not fit is refused.
 */
export class JsonReader {
  private at = 0

  constructor(
    private readonly text: string,
    private readonly guard: TreeGuard,
  ) {}

  /** @throws CodecError */
  document(): Value {
    const value = this.value()
    this.skipSpace()
    if (this.at !== this.text.length) throw invalid()
    return value
  }

  private value(): Value {
    this.guard.countValue()
    this.skipSpace()
    switch (this.text.charAt(this.at)) {
      case '{':
        return this.guard.within(() => this.record())
      case '[':
        return this.guard.within(() => this.list())
      case '"':
        return this.string()
      case 't':
        return this.word('true', true)
      case 'f':
        return this.word('false', false)
      case 'n':
        return this.word('null', null)
      default:
        return this.number()
    }
  }

  private record(): ValueRecord {
    const record = emptyRecord()
    this.at += 1
    if (this.takes('}')) return record
    do {
      this.skipSpace()
      const name = this.string()
      if (!this.takes(':')) throw invalid()
      record[name] = this.value()
    } while (this.takes(','))
    if (!this.takes('}')) throw invalid()
    return record
  }

  private list(): Value[] {
    const list: Value[] = []
    this.at += 1
    if (this.takes(']')) return list
    do list.push(this.value())
    while (this.takes(','))
    if (!this.takes(']')) throw invalid()
    return list
  }

  private string(): string {
    const { text, at: start } = this
    if (text[start] !== '"') throw invalid()
    let end = start + 1
    let isPlain = true
    for (let code = text.charCodeAt(end); code !== 0x22; code = text.charCodeAt(end)) {
      // Written so that NaN, which stands for the end of the text, is refused too.
      if (!(code >= 0x20)) throw invalid()
      if (code === 0x5c) isPlain = false
      end += code === 0x5c ? 2 : 1
    }
    this.at = end + 1
    return isPlain ? text.slice(start + 1, end) : unescape(text.slice(start, end + 1))
  }

  private number(): number | bigint {
    number.lastIndex = this.at
    const [literal = '', fraction, exponent] = number.exec(this.text) ?? []
    if (literal === '') throw invalid()
    this.at += literal.length
    if (fraction !== undefined || exponent !== undefined) return finite(Number(literal))
    // The integer zero has no sign.
    if (literal.length <= safeDigits) return Number(literal) || 0
    const exact = literal.length <= 21 ? BigInt(literal) : undefined
    if (exact === undefined || !fitsInt64(exact)) throw new CodecError('json: an integer is beyond 64 bits')
    return integer(exact)
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw invalid()
    this.at += word.length
    return value
  }

  /** Whether this sign is the next one; if so it is read. */
  private takes(sign: string): boolean {
    this.skipSpace()
    if (this.text[this.at] !== sign) return false
    this.at += 1
    return true
  }

  private skipSpace(): void {
    if (this.text.charCodeAt(this.at) > 0x20) return
    space.lastIndex = this.at
    this.at += space.exec(this.text)?.[0].length ?? 0
  }
}

/** Half a character, which an escape can write and UTF-8 cannot, is refused. */
function unescape(literal: string): string {
  let text: string
  try {
    text = JSON.parse(literal) as string
  } catch {
    throw invalid()
  }
  if (/\p{Surrogate}/u.test(text)) throw invalid()
  return text
}
