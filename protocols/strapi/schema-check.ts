import { beginningOf } from '../../src/util/redaction'
import { TransferError } from './errors'
import { type AttributeKind, type ContentTypeMapping } from './mapping'

/** Attribute types of Strapi that can hold each kind. Relations and media are in no row (spec 8.4). */
const WIRE_TYPES: Record<AttributeKind, readonly string[]> = {
  number: ['decimal', 'float', 'integer', 'biginteger', 'string', 'text'],
  text: ['string', 'text', 'enumeration', 'uid', 'email'],
  time: ['datetime', 'timestamp'],
  boolean: ['boolean'],
  json: ['json', 'component', 'dynamiczone', 'string', 'text', 'richtext', 'blocks'],
}

type Json = Readonly<Record<string, unknown>>

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {}

const own = (from: Json, name: string): Json => objectOf(Object.hasOwn(from, name) ? from[name] : undefined)

const problemsOf = (schemas: Json, { contentType, attributes }: ContentTypeMapping<unknown>): string[] => {
  if (!Object.hasOwn(schemas, contentType)) return [`there is no content type ${contentType}`]
  const schema = own(schemas, contentType)
  const isContentType = schema.modelType === 'contentType' && schema.kind !== undefined
  if (!isContentType) return [`${contentType} is no content type`]
  const declared = own(schema, 'attributes')
  return Object.entries(attributes).flatMap(([name, kind]) => {
    const { type } = own(declared, name)
    if (typeof type !== 'string') return [`${contentType} has no attribute "${name}"`]
    return WIRE_TYPES[kind].includes(type)
      ? []
      : [`"${name}" of ${contentType} is a ${beginningOf(type, 30, '')}, which is no ${kind}`]
  })
}

/**
 * Compares what the mappings expect with what the server has; the server itself never does (spec 6). Done in each transfer, because the
 * schema may have changed since the last one.
 *
 * @throws TransferError `schema-mismatch` with everything that does not fit
 */
export const checkSchemas = (schemas: Json, mappings: readonly ContentTypeMapping<unknown>[]): void => {
  const types = mappings.map(({ contentType }) => contentType)
  const twice = types.filter((type, place) => types.indexOf(type) !== place)
  const problems = [
    ...twice.map((type) => `${type} is mapped twice`),
    ...mappings.flatMap((mapping) => problemsOf(schemas, mapping)),
  ]
  if (problems.length > 0)
    throw new TransferError('schema-mismatch', `The schema of Strapi does not fit: ${problems.join('; ')}`)
}
