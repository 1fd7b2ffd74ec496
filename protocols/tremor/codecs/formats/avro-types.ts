import type * as Avro from 'avsc'

/** What this codec uses of a type of the package; which of it is there depends on `typeName`. */
export interface AvroType {
  typeName: string
  fields: { name: string; type: AvroType; defaultValue(): unknown }[]
  itemsType: AvroType
  valuesType: AvroType
  symbols: string[]
  size: number
  types: AvroType[]
}

export const asAvroType = (type: Avro.Type): AvroType => type as unknown as AvroType
