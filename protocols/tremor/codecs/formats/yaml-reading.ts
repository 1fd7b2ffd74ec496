import type * as Yaml from 'yaml'
import { CodecError } from '../errors'
import type { TreeGuard } from '../tree-guard'
import { emptyRecord, type Value, type ValueRecord } from '../value'
import { resolveYamlScalar } from './yaml-scalar'

const core = 'tag:yaml.org,2002:'

/** Turns the syntax tree of a document into a value. */
export class YamlReading {
  private readonly anchors = new Map<string, unknown>()
  private aliasDepth = 0

  constructor(
    private readonly library: typeof Yaml,
    private readonly guard: TreeGuard,
  ) {}

  /** @throws CodecError */
  value(node: unknown): Value {
    this.guard.countValue()
    const { library } = this
    if (node === null || node === undefined) return null
    if (library.isAlias(node)) return this.guard.within(() => this.copy(node))
    this.remember(node)
    if (library.isScalar(node)) return readScalar(node)
    if (library.isMap(node)) {
      refuseTag(node, 'map')
      return this.guard.within(() => this.record(node))
    }
    if (library.isSeq(node)) {
      refuseTag(node, 'seq')
      return this.guard.within(() => node.items.map((item) => this.value(item)))
    }
    throw new CodecError('yaml: a node of no known kind')
  }

  private record(node: Yaml.YAMLMap): ValueRecord {
    const record = emptyRecord()
    for (const { key, value } of node.items) record[this.keyText(key)] = this.value(value)
    return record
  }

  /** Keys are text as they are written: `1`, `true` and `~` have no other meaning here. */
  private keyText(key: unknown): string {
    if (key === null) return ''
    const node = this.library.isAlias(key) ? this.resolve(key) : key
    if (!this.library.isScalar(node)) throw new CodecError('yaml: a key is a list or a record')
    this.remember(node)
    readScalar(node)
    return textOf(node)
  }

  /** An alias is a copy. The guard stops an alias inside its own anchor, and aliases that multiply each other. */
  private copy(alias: Yaml.Alias): Value {
    this.aliasDepth += 1
    const value = this.value(this.resolve(alias))
    this.aliasDepth -= 1
    return value
  }

  private resolve({ source }: Yaml.Alias): unknown {
    if (!this.anchors.has(source)) throw new CodecError('yaml: an alias of nothing')
    return this.anchors.get(source)
  }

  /** Anchors count from where they stand, until one of the same name follows; a copy brings none. */
  private remember(node: unknown): void {
    const { anchor } = node as { anchor?: string }
    if (anchor !== undefined && this.aliasDepth === 0) this.anchors.set(anchor, node)
  }
}

/** Everything that is no list and no record is text to the package (see yaml.ts). */
const textOf = ({ value }: Yaml.Scalar): string => (typeof value === 'string' ? value : '')

function readScalar(node: Yaml.Scalar): Value {
  const text = textOf(node)
  if (node.tag === undefined) return node.type === 'PLAIN' ? resolveYamlScalar(text) : text
  if (node.tag === '!' || node.tag === `${core}str` || node.tag === `${core}binary`) return text
  const value = resolveYamlScalar(text)
  if (node.tag === `${core}${kindOf(value)}`) return value
  if (node.tag === `${core}float` && kindOf(value) === 'int') return Number(value)
  throw new CodecError('yaml: a tag that is not known, or of something else')
}

function kindOf(value: ReturnType<typeof resolveYamlScalar>): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'str'
  return typeof value === 'bigint' || Number.isInteger(value) ? 'int' : 'float'
}

function refuseTag(node: Yaml.YAMLMap | Yaml.YAMLSeq, kind: 'map' | 'seq'): void {
  if (node.tag !== undefined && node.tag !== '!' && node.tag !== `${core}${kind}`) {
    throw new CodecError('yaml: a tag that is not known')
  }
}
