import type * as Yaml from 'yaml'
import { CodecError } from '../errors'
import { formatDouble } from '../text'
import { isRecord, numeric, type Writable } from '../value'
import { resolveYamlScalar } from './yaml-scalar'

/** Signs that are safe in quotes only: everything that cannot be seen, apart from the blank. */
const invisible = /[\p{C}\p{Zl}\p{Zp}]/u

/**
 * The syntax tree of a value. To the package all scalars are text (see yaml.ts), so that a number is its digits and a
 * text that looks like something else is put in quotes here.
 *
 * @throws CodecError for bytes, and for what is too deep (or inside itself)
 */
export function yamlNode(library: typeof Yaml, value: Writable, depthLeft: number): Yaml.ParsedNode {
  if (depthLeft < 0) throw new CodecError('values lie too deep inside each other')
  return node(library, value, depthLeft) as Yaml.ParsedNode
}

function node(library: typeof Yaml, value: Writable, depthLeft: number): Yaml.Node {
  if (value === null || typeof value === 'boolean') return new library.Scalar(String(value))
  if (typeof value === 'string') return textNode(library, value)
  const number = numeric(value)
  if (number) {
    return new library.Scalar(number.kind === 'integer' ? String(number.value) : formatDouble(number.value))
  }
  if (Array.isArray(value)) {
    const list = new library.YAMLSeq()
    list.items = (value as readonly Writable[]).map((one) => yamlNode(library, one, depthLeft - 1))
    return list
  }
  if (!isRecord(value)) throw new CodecError('yaml: bytes cannot be written')
  const map = new library.YAMLMap()
  map.items = Object.entries(value).map(
    ([name, one]) => new library.Pair(textNode(library, name), yamlNode(library, one, depthLeft - 1)),
  )
  return map
}

function textNode(library: typeof Yaml, text: string): Yaml.Scalar {
  const scalar = new library.Scalar(text)
  if (invisible.test(text) || text.trim() !== text || !isPlain(text)) scalar.type = 'QUOTE_DOUBLE'
  return scalar
}

/** Whether the text is read as itself where it stands without quotes. */
function isPlain(text: string): boolean {
  try {
    return resolveYamlScalar(text) === text
  } catch {
    return false
  }
}
