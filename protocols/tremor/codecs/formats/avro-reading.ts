import { CodecError } from '../errors'
import type { TreeGuard } from '../tree-guard'
import { emptyRecord, type Value, type ValueRecord } from '../value'
import type { AvroCursor } from './avro-cursor'
import type { AvroType } from './avro-types'

/**
 * Reads a value of a type. The package's own reader believes every count that the data claims; here each value is
 * counted.
 *
 * @throws CodecError
 */
export function readAvro(type: AvroType, cursor: AvroCursor, guard: TreeGuard): Value {
  guard.countValue()
  switch (type.typeName) {
    case 'null':
      return null
    case 'boolean':
      return cursor.bytes(1)[0] === 1
    case 'int':
    case 'long':
      return cursor.long()
    case 'float':
      return cursor.float()
    case 'double':
      return cursor.double()
    case 'bytes':
      return cursor.sized()
    case 'string':
      return cursor.text()
    case 'fixed':
      return cursor.bytes(type.size)
    case 'enum':
      return at(type.symbols, cursor)
    case 'array':
      return guard.within(() => readArray(type.itemsType, cursor, guard))
    case 'map':
      return guard.within(() => readMap(type.valuesType, cursor, guard))
    case 'record':
      return guard.within(() => readRecord(type, cursor, guard))
    default: // one of the two kinds of unions that the package has
      return guard.within(() => readAvro(at(type.types, cursor), cursor, guard))
  }
}

function at<T>(list: readonly T[], cursor: AvroCursor): T {
  const found = list[Number(cursor.long())]
  if (found === undefined) throw new CodecError('avro: an index of nothing')
  return found
}

function readArray(itemsType: AvroType, cursor: AvroCursor, guard: TreeGuard): Value[] {
  const list: Value[] = []
  cursor.blocks(() => list.push(readAvro(itemsType, cursor, guard)))
  return list
}

function readMap(valuesType: AvroType, cursor: AvroCursor, guard: TreeGuard): ValueRecord {
  const record = emptyRecord()
  cursor.blocks(() => {
    const name = cursor.text()
    record[name] = readAvro(valuesType, cursor, guard)
  })
  return record
}

function readRecord(type: AvroType, cursor: AvroCursor, guard: TreeGuard): ValueRecord {
  const record = emptyRecord()
  for (const field of type.fields) record[field.name] = readAvro(field.type, cursor, guard)
  return record
}
