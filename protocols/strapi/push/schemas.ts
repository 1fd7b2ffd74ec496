import { TransferError } from '../errors'

/** What a push has to know of an attribute; what a schema leaves out is undefined here. */
export interface Attribute {
  type: string
  isRequired: boolean
  isUnique: boolean
  /** Of enumerations. */
  values: readonly string[] | undefined
  /** Identifier of the component. */
  component: string | undefined
  isRepeatable: boolean
  /** Of relations: their kind, where they lead, and how the other side calls them. */
  relation: string | undefined
  target: string | undefined
  inversedBy: string | undefined
  /** The other side of the relation owns it. */
  isInverse: boolean
}

export interface Schema {
  isContentType: boolean
  isSingle: boolean
  hasDrafts: boolean
  attributes: ReadonlyMap<string, Attribute>
}

export type Schemas = ReadonlyMap<string, Schema>

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const attributeOf = (given: Json): Attribute => ({
  type: text(given.type) ?? 'unknown',
  isRequired: given.required === true,
  isUnique: given.unique === true,
  values: Array.isArray(given.enum) ? given.enum.filter((one) => typeof one === 'string') : undefined,
  component: text(given.component),
  isRepeatable: given.repeatable === true,
  relation: text(given.relation),
  target: text(given.target),
  inversedBy: text(given.inversedBy),
  isInverse: given.mappedBy !== undefined,
})

const schemaOf = ({ modelType, kind, options, attributes }: Json): Schema => ({
  isContentType: modelType === 'contentType',
  isSingle: kind === 'singleType',
  hasDrafts: isObject(options) && options.draftAndPublish === true,
  attributes: new Map(
    Object.entries(isObject(attributes) ? attributes : {}).flatMap(([name, one]) =>
      isObject(one) ? [[name, attributeOf(one)] as const] : [],
    ),
  ),
})

/** The answer to `getSchemas` (spec 6). @throws TransferError `answer-unexpected` */
export const readSchemas = (answer: unknown): Schemas => {
  if (!isObject(answer)) throw new TransferError('answer-unexpected', 'The server gave no schemas')
  return new Map(
    Object.entries(answer).flatMap(([uid, one]) => (isObject(one) ? [[uid, schemaOf(one)] as const] : [])),
  )
}
