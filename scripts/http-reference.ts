/** Writes docs/http.md: the JSON that the service answers with, from its schemas. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TSchema, TypeGuard } from '@sinclair/typebox'
import { answers, type DescribedAnswer } from '../src/http/answers'
import { errorCodes } from '../src/validation/error-codes'
import { classOf } from '../src/validation/reason'

interface Row {
  path: string
  type: string
  isOptional: boolean
  description: string
}

const typeOf = (schema: TSchema): string => {
  if (TypeGuard.IsLiteral(schema)) return `\`${JSON.stringify(schema.const)}\``
  if (TypeGuard.IsUnion(schema)) return schema.anyOf.map(typeOf).join(' or ')
  if (TypeGuard.IsArray(schema)) return `list of ${typeOf(schema.items)}`
  if (TypeGuard.IsRecord(schema)) return 'object of any keys'
  return typeof schema.type === 'string' ? schema.type : 'anything'
}

/** The members of a schema, those of objects in it below them: `endpoints[].name`. */
function rowsOf(schema: TSchema, prefix = ''): Row[] {
  if (TypeGuard.IsArray(schema)) return rowsOf(schema.items, `${prefix}[]`)
  if (!TypeGuard.IsObject(schema)) return []
  return Object.entries(schema.properties).flatMap(([name, member]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    const row = {
      path,
      type: typeOf(member),
      isOptional: TypeGuard.IsOptional(member),
      description: member.description ?? '',
    }
    return [row, ...rowsOf(member, path)]
  })
}

const lineOf = ({ path, type, isOptional, description }: Row): string =>
  `| \`${path}\` | ${type}${isOptional ? ', may be absent' : ''} | ${description} |`

const sectionOf = ({ method, path, status, schema }: DescribedAnswer): string =>
  [
    `### ${method} ${path}: ${status}`,
    schema.description ?? '',
    ['| member | type | meaning |', '|---|---|---|', ...rowsOf(schema).map(lineOf)].join('\n'),
  ].join('\n\n')

/** The page, as text. */
export function renderHttpReference(): string {
  const codes = Object.entries(errorCodes).map(
    ([code, meaning]) => `| \`${code}\` | \`${classOf({ code })}\` | ${meaning} |`,
  )
  return `${[
    '# What the service answers',
    'Made from the schemas of the answers: `npm run http-reference`. Paths are below `BASE_URL`. Errors that are nobody’s are plain text, and metrics have the format of Prometheus; all else is JSON of one of these shapes.',
    '## Answers',
    ...answers.map(sectionOf),
    '## Codes of causes',
    'What `error.reason.code` may be, where an adapter has no codes of its own. Codes are stable; one that is no longer used gets no other meaning. What to do about each class is in [requests](requests.md#reasons).',
    ['| code | class | meaning |', '|---|---|---|', ...codes].join('\n'),
  ].join('\n\n')}\n`
}

if (process.argv[1] === __filename)
  writeFileSync(join(__dirname, '..', 'docs/http.md'), renderHttpReference())
