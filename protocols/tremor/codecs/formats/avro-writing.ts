import { CodecError } from '../errors'
import { encodeUtf8 } from '../text'
import { field, isRecord, numeric, type Writable } from '../value'
import type { AvroType } from './avro-types'

const wrong = (type: AvroType) => new CodecError(`avro: a value is no ${type.typeName}`)

/**
 * Writes a value as a type; missing fields of records take their defaults.
 *
 * @throws CodecError where the value is not of the type
 */
export function writeAvro(type: AvroType, value: Writable, depthLeft: number): Buffer {
  if (depthLeft < 0) throw new CodecError('values lie too deep inside each other')
  const inner = (innerType: AvroType, one: Writable) => writeAvro(innerType, one, depthLeft - 1)
  switch (type.typeName) {
    case 'null':
      if (value === null) return Buffer.alloc(0)
      break
    case 'boolean':
      if (typeof value === 'boolean') return Buffer.of(value ? 1 : 0)
      break
    case 'int':
      return writeInteger(type, value, 32)
    case 'long':
      return writeInteger(type, value, 64)
    case 'float':
    case 'double':
      return writeDouble(type, value)
    case 'bytes':
      if (value instanceof Uint8Array) return sized(value)
      break
    case 'string':
      if (typeof value === 'string') return sized(encodeUtf8(value))
      break
    case 'fixed':
      if (value instanceof Uint8Array && value.length === type.size) return Buffer.from(value)
      break
    case 'enum':
      if (typeof value === 'string' && type.symbols.includes(value))
        return zigzag(type.symbols.indexOf(value))
      break
    case 'array':
      if (Array.isArray(value)) {
        return block((value as readonly Writable[]).map((one) => inner(type.itemsType, one)))
      }
      break
    case 'map':
      if (isRecord(value)) {
        return block(
          Object.entries(value).map(([name, one]) =>
            Buffer.concat([sized(encodeUtf8(name)), inner(type.valuesType, one)]),
          ),
        )
      }
      break
    case 'record':
      if (isRecord(value))
        return Buffer.concat(type.fields.map((one) => inner(one.type, fieldValue(one, value))))
      break
    default:
      return writeBranch(type, value, depthLeft)
  }
  throw wrong(type)
}

function fieldValue(type: AvroType['fields'][number], record: Writable): Writable {
  const value = isRecord(record) ? field(record, type.name) : undefined
  if (value !== undefined) return value
  const preset = type.defaultValue() as Writable | undefined
  if (preset === undefined) throw new CodecError('avro: a field without a default is missing')
  return preset
}

/** The first branch of a union that the value fits. */
function writeBranch(type: AvroType, value: Writable, depthLeft: number): Buffer {
  for (const [index, branch] of type.types.entries()) {
    try {
      return Buffer.concat([zigzag(index), writeAvro(branch, value, depthLeft - 1)])
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
    }
  }
  throw new CodecError('avro: a value fits no branch of a union')
}

function writeInteger(type: AvroType, value: Writable, bits: number): Buffer {
  const number = numeric(value)
  if (number?.kind !== 'integer' || BigInt.asIntN(bits, BigInt(number.value)) !== BigInt(number.value)) {
    throw wrong(type)
  }
  return zigzag(number.value)
}

function writeDouble(type: AvroType, value: Writable): Buffer {
  const number = numeric(value)
  const double = Number(number?.value)
  if (!number || (typeof number.value === 'bigint' && BigInt(double) !== number.value)) throw wrong(type)
  const bytes = Buffer.allocUnsafe(type.typeName === 'float' ? 4 : 8)
  if (type.typeName === 'float') {
    if (!Number.isFinite(Math.fround(double))) throw wrong(type)
    bytes.writeFloatLE(double)
  } else bytes.writeDoubleLE(double)
  return bytes
}

export function zigzag(value: number | bigint): Buffer {
  let bits = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  const bytes: number[] = []
  do {
    bytes.push(Number(bits & 0x7fn) | (bits > 0x7fn ? 0x80 : 0))
    bits >>= 7n
  } while (bits > 0n)
  return Buffer.from(bytes)
}

export const sized = (bytes: Uint8Array): Buffer => Buffer.concat([zigzag(bytes.length), bytes])

/** All elements in one block, and the empty block at the end. */
const block = (elements: readonly Buffer[]): Buffer =>
  Buffer.concat([...(elements.length > 0 ? [zigzag(elements.length), ...elements] : []), zigzag(0)])
