import { CodecError } from '../errors'
import type { CodecLimits } from '../limits'
import { byUtf8, formatDouble } from '../text'
import { isRecord, numeric, type Writable } from '../value'

export interface JsonStyle {
  /** Keys in the order of their UTF-8 bytes, at every depth. */
  isSorted: boolean
  /** What bytes become, which JSON does not have: base64 text or a list of numbers. */
  bytesAs: 'base64' | 'list'
}

/**
 * Writes a value as JSON without white space.
 *
 * @throws CodecError for what is not finite, too deep (or inside itself), or no value at all
 */
export function writeJson(value: Writable, style: JsonStyle, limits: CodecLimits, depth = 0): string {
  if (depth > limits.maxDepth) throw new CodecError('values lie too deep inside each other')
  const inner = (one: Writable) => writeJson(one, style, limits, depth + 1)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  const number = numeric(value)
  if (number) return number.kind === 'integer' ? String(number.value) : formatDouble(number.value)
  if (value instanceof Uint8Array) {
    return style.bytesAs === 'list' ? `[${value.join(',')}]` : `"${Buffer.from(value).toString('base64')}"`
  }
  if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`
  if (!isRecord(value)) throw new CodecError('a value of no known kind')
  const names = Object.keys(value)
  if (style.isSorted) names.sort(byUtf8)
  return `{${names.map((name) => `${JSON.stringify(name)}:${inner(value[name] as Writable)}`).join(',')}}`
}
