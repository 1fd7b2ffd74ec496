import { decimalText } from '../../../../src/util/decimal'
import { CodecError } from '../errors'
import { parseDouble } from '../text'
import { finite, fitsInt64, integer } from '../value'

const nulls = new Set(['', '~', 'null', 'Null', 'NULL'])
const words = new Map<string, boolean>([
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
])
const based = /^([+-]?)(0x[\da-fA-F]+|0o[0-7]+|0b[01]+)$/
const isDecimal = decimalText({ sign: '+-', point: 'nowhere' })
/** Digits behind a leading zero are a text, also behind a sign: post codes and the like. */
const zeroPadded = /^[+-]?0\d+$/
const notFinite = /^(?:[+-]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const mostDigits = 100

/**
 * What an unquoted scalar without a tag stands for (serde_yaml 0.9): the words of YAML 1.2, integers, doubles, and
 * text for everything else.
 *
 * @throws CodecError for integers beyond 64 bits, infinities and NaN
 */
export function resolveYamlScalar(text: string): null | boolean | number | bigint | string {
  if (nulls.has(text)) return null
  const word = words.get(text)
  if (word !== undefined) return word
  if (notFinite.test(text)) return finite(NaN)
  if (zeroPadded.test(text)) return text
  return readInteger(text) ?? parseDouble(text) ?? text
}

function readInteger(text: string): number | bigint | undefined {
  const [, sign, digits] = based.exec(text) ?? []
  if (digits === undefined && !isDecimal(text)) return undefined
  if (text.length > mostDigits) throw beyond()
  const magnitude = BigInt(digits ?? text.replace(/^[+-]/, ''))
  const value = sign === '-' || text.startsWith('-') ? -magnitude : magnitude
  if (!fitsInt64(value)) throw beyond()
  return integer(value)
}

const beyond = () => new CodecError('yaml: an integer is beyond 64 bits')
