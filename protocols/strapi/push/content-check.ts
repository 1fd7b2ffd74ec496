import { TransferError } from '../errors'
import { type PushContent, type PushLink, type PushRow } from './content'
import { boundAttributes, isPushable, type PushMode } from './mode'
import { type Attribute, type Schema, type Schemas } from './schemas'
import { valueProblem } from './value-check'

/** More in one push, and it is not one any more: every row is written while the server's only connection is held. */
export const MAX_ROWS = 10_000
const MAX_SHOWN_PROBLEMS = 5
/** These are filled in here. A caller must not give them. */
const OURS: ReadonlySet<string> = new Set([
  'createdAt',
  'updatedAt',
  'publishedAt',
  'locale',
  'documentId',
  'id',
])

type Values = Readonly<Record<string, unknown>>

/**
 * Everything that Strapi does not check itself (spec 9.5): types, required attributes, uniqueness, the form of values and components,
 * links. To be called before anything is deleted.
 *
 * @throws TransferError `schema-mismatch` when it is the mode or a type that does not fit, `rows-invalid` when it is a row; both name
 * types and attributes, never a value
 */
export const checkContent = ({ rows, links = [] }: PushContent, mode: PushMode, schemas: Schemas): void => {
  if (rows.length === 0) throw new TransferError('rows-invalid', 'Refused to push nothing at all')
  if (rows.length > MAX_ROWS)
    throw new TransferError('rows-invalid', `Refused to push more than ${MAX_ROWS} rows`)
  const types = new Set([...rows.map(({ type }) => type), ...deletedTypes(mode)])
  const mismatches = [...types].flatMap((type) => typeProblems(type, mode, schemas))
  if (mismatches.length > 0) throw problem('schema-mismatch', mismatches)
  const problems = [
    ...rows.flatMap((row, place) =>
      rowProblems(row, schemas).map((text) => `row ${place + 1} (${row.type}): ${text}`),
    ),
    ...duplicates(rows, schemas),
    ...linkProblems(links, new Set(rows), schemas),
  ]
  if (problems.length > 0) throw problem('rows-invalid', problems)
}

const problem = (reason: 'schema-mismatch' | 'rows-invalid', problems: string[]): TransferError => {
  const more =
    problems.length > MAX_SHOWN_PROBLEMS ? `; and ${problems.length - MAX_SHOWN_PROBLEMS} more` : ''
  return new TransferError(
    reason,
    `Refused to push: ${problems.slice(0, MAX_SHOWN_PROBLEMS).join('; ')}${more}`,
  )
}

const deletedTypes = (mode: PushMode): readonly string[] => {
  if (mode.kind === 'append') return []
  return mode.kind === 'replace-types' ? mode.types : [mode.type]
}

const typeProblems = (type: string, mode: PushMode, schemas: Schemas): string[] => {
  if (!isPushable(type)) return [`"${type}" is no content type of the site's own (api::…)`]
  const schema = schemas.get(type)
  if (schema === undefined) return [`the server has no type "${type}"`]
  if (!schema.isContentType || schema.isSingle) return [`"${type}" is no collection`]
  const bound = boundAttributes(mode, type)
  const unknown = filterNames(mode, type).filter((name) => !schema.attributes.has(name))
  return [
    ...unknown.map((name) => `"${type}" has no attribute "${name}" to match rows by`),
    ...(replacesAll(mode, type) ? [] : unboundUniques(type, schema, bound)),
  ]
}

const filterNames = (mode: PushMode, type: string): string[] =>
  mode.kind === 'replace-matching' && mode.type === type
    ? [...new Set(mode.matches.flatMap(Object.keys))]
    : []

const replacesAll = (mode: PushMode, type: string): boolean =>
  mode.kind === 'replace-types' && mode.types.includes(type)

/** Rows that stay could have the same value, and Strapi would take the second one (spec 9.5). */
const unboundUniques = (type: string, { attributes }: Schema, bound: ReadonlySet<string>): string[] =>
  [...attributes]
    .filter(([name, { isUnique }]) => isUnique && !bound.has(name))
    .map(([name]) => `"${name}" of "${type}" is unique, and rows that stay may have its value already`)

const rowProblems = ({ type, attributes }: PushRow, schemas: Schemas): string[] => {
  const named = Object.keys(attributes).find((name) => OURS.has(name))
  if (named !== undefined) return [`"${named}" is filled in by the push`]
  return valuesProblems(attributes, schemas.get(type)!, schemas)
}

const valuesProblems = (values: Values, schema: Schema, schemas: Schemas, path = ''): string[] => [
  ...Object.entries(values).flatMap(([name, value]) => {
    const attribute = schema.attributes.get(name)
    if (attribute === undefined) return [`there is no attribute "${path}${name}"`]
    if (attribute.type === 'component') return componentProblems(attribute, value, schemas, `${path}${name}`)
    const text = valueProblem(attribute, value)
    return text === undefined ? [] : [`"${path}${name}" ${text}`]
  }),
  ...[...schema.attributes]
    .filter(([name, { isRequired }]) => isRequired && !OURS.has(name) && (values[name] ?? null) === null)
    .map(([name]) => `"${path}${name}" is required`),
]

const componentProblems = (
  { component, isRepeatable }: Attribute,
  value: unknown,
  schemas: Schemas,
  path: string,
): string[] => {
  if (value === null) return []
  const schema = component === undefined ? undefined : schemas.get(component)
  if (schema === undefined) return [`the component of "${path}" is unknown`]
  if (Array.isArray(value) !== isRepeatable)
    return [`"${path}" must be ${isRepeatable ? 'an array' : 'one object'}`]
  const members: unknown[] = Array.isArray(value) ? value : [value]
  return members.flatMap((one) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? valuesProblems(one as Values, schema, schemas, `${path}.`)
      : [`"${path}" must be an object`],
  )
}

const duplicates = (rows: readonly PushRow[], schemas: Schemas): string[] => {
  const seen = new Set<string>()
  const found = new Set<string>()
  for (const { type, attributes } of rows)
    for (const [name, { isUnique }] of schemas.get(type)!.attributes) {
      const value = attributes[name]
      if (!isUnique || value === undefined || value === null) continue
      const key = JSON.stringify([type, name, value])
      if (seen.has(key)) found.add(`"${name}" of "${type}" is unique, and two rows have the same value`)
      seen.add(key)
    }
  return [...found]
}

const linkProblems = (links: readonly PushLink[], rows: ReadonlySet<PushRow>, schemas: Schemas): string[] =>
  links.flatMap(({ from, field, to }) => {
    const name = `the link "${field}" of "${from.type}"`
    if (!rows.has(from) || !rows.has(to)) return [`${name} leads to a row that is not in this push`]
    const attribute = schemas.get(from.type)!.attributes.get(field)
    if (attribute?.type !== 'relation' || attribute.target !== to.type)
      return [`${name} is no relation to "${to.type}"`]
    if (attribute.isInverse) return [`${name} belongs to the other side, which owns the relation`]
    const hasDrafts = schemas.get(from.type)!.hasDrafts || schemas.get(to.type)!.hasDrafts
    return hasDrafts ? [`${name} joins a type with drafts, whose links are not written`] : []
  })
