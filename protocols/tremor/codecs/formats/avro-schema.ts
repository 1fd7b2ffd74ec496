import { isJsonRecord, type JsonRecord } from '../definition'
import { CodecError } from '../errors'

const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const named = new Set<unknown>(['record', 'error', 'enum', 'fixed'])

const invalid = () => new CodecError('avro: not a schema')

/**
 * What of a schema decides how data are read, as text: full names, no documentation, no defaults (the Parsing
 * Canonical Form of the Avro specification). Two schemas with the same text read the same.
 *
 * @throws CodecError for what is no schema; names are not looked up
 */
export const canonicalSchema = (schema: unknown): string => JSON.stringify(canonical(schema, ''))

function canonical(schema: unknown, namespace: string): unknown {
  if (typeof schema === 'string') return primitives.has(schema) ? schema : fullName(schema, namespace)
  if (Array.isArray(schema)) return schema.map((branch) => canonical(branch, namespace))
  if (!isJsonRecord(schema)) throw invalid()
  if (named.has(schema.type)) return canonicalNamed(schema, namespace)
  if (schema.type === 'array') return { type: 'array', items: canonical(schema.items, namespace) }
  if (schema.type === 'map') return { type: 'map', values: canonical(schema.values, namespace) }
  return canonical(schema.type, namespace)
}

function canonicalNamed(schema: JsonRecord, outer: string): unknown {
  const name = fullName(schema.name, typeof schema.namespace === 'string' ? schema.namespace : outer)
  if (schema.type === 'enum') return { name, type: 'enum', symbols: schema.symbols }
  if (schema.type === 'fixed') return { name, type: 'fixed', size: schema.size }
  if (!Array.isArray(schema.fields)) throw invalid()
  const namespace = name.slice(0, Math.max(name.lastIndexOf('.'), 0))
  const fields = schema.fields.map((field: unknown) => {
    if (!isJsonRecord(field)) throw invalid()
    return { name: field.name, type: canonical(field.type, namespace) }
  })
  return { name, type: 'record', fields }
}

/** A name with a point in it is a full one already. */
function fullName(name: unknown, namespace: string): string {
  if (typeof name !== 'string') throw invalid()
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}
