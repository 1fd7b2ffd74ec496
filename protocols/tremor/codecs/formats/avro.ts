import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type * as Avro from 'avsc'
import type { Codec } from '../codec'
import { bounded } from '../compression/bounded-zlib'
import { isJsonRecord } from '../definition'
import { CodecError, DefinitionError } from '../errors'
import type { CodecLimits } from '../limits'
import { loadAvro } from '../optional-packages'
import { decodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import type { Value, Writable } from '../value'
import { AvroCursor } from './avro-cursor'
import { readAvro } from './avro-reading'
import { canonicalSchema } from './avro-schema'
import { asAvroType, type AvroType } from './avro-types'
import { sized, writeAvro, zigzag } from './avro-writing'
import { JsonReader } from './json-reader'

const magic = Buffer.from('Obj\u0001')
const syncBytes = 16

interface ParsedSchema {
  type: AvroType
  canonical: string
}

/**
 * `avro`: one object container file per chunk, of which only the first record counts; a file without records is
 * nothing. The schema in the file must be that of the config (defaults and documentation aside): a file with another
 * schema fails instead of being adapted.
 *
 * Config: `schema` (needed), `compression` (`none` or `deflate`, which is for writing; both are read).
 */
export function avro(config: unknown, limits: CodecLimits): Codec {
  const library = loadAvro()
  if (!isJsonRecord(config)) throw new DefinitionError('codec avro: a schema is needed')
  const { schema, compression = 'none' } = config
  if (compression !== 'none' && compression !== 'deflate') {
    throw new DefinitionError('codec avro: compression is none or deflate')
  }
  const schemaType = parseSchema(library, schema)
  const parsed = { type: asAvroType(schemaType), canonical: canonicalSchema(schema) }
  return {
    decode: (chunk) => read(chunk, parsed, limits),
    encode: (value) => write(value, schemaType, compression === 'deflate', limits),
  }
}

function parseSchema(library: typeof Avro, schema: unknown): Avro.Type {
  try {
    return library.Type.forSchema(schema as Avro.Schema, { registry: {} })
  } catch (cause) {
    throw new DefinitionError('codec avro: the schema is not valid', { cause })
  }
}

function read(chunk: Buffer, schema: ParsedSchema, limits: CodecLimits): { value: Value } | undefined {
  const cursor = new AvroCursor(chunk)
  const guard = new TreeGuard(limits)
  if (!cursor.bytes(magic.length).equals(magic)) throw new CodecError('avro: not a container file')
  const header = new Map<string, Buffer>()
  cursor.blocks(() => {
    guard.countValue()
    header.set(cursor.text(), cursor.sized())
  })
  const written = new JsonReader(decodeUtf8(header.get('avro.schema') ?? Buffer.alloc(0)), guard).document()
  if (canonicalSchema(written) !== schema.canonical) {
    throw new CodecError('avro: the schema of the file is not the configured one')
  }
  const sync = cursor.bytes(syncBytes)
  while (cursor.left > 0) {
    guard.countValue()
    const records = cursor.long()
    const packed = cursor.sized()
    if (!cursor.bytes(syncBytes).equals(sync)) {
      throw new CodecError('avro: a block does not end where it says')
    }
    if (records > 0) {
      const block = unpack(packed, header.get('avro.codec')?.toString('latin1'), limits)
      return { value: readAvro(schema.type, new AvroCursor(block), guard) }
    }
  }
  return undefined
}

function unpack(packed: Buffer, codec: string | undefined, { maxDecompressedBytes }: CodecLimits): Buffer {
  if (codec === undefined || codec === 'null') return packed
  if (codec !== 'deflate') throw new CodecError('avro: a compression that is not supported')
  return bounded('avro', maxDecompressedBytes, (options) => inflateRawSync(packed, options))
}

function write(value: Writable, type: Avro.Type, isDeflated: boolean, { maxDepth }: CodecLimits): Buffer {
  const record = writeAvro(asAvroType(type), value, maxDepth)
  // Any 16 bytes will do between the blocks; those of the schema need no chance.
  const sync = type.fingerprint()
  return Buffer.concat([
    magic,
    zigzag(2),
    sized(Buffer.from('avro.schema')),
    sized(Buffer.from(JSON.stringify(type.schema()))),
    sized(Buffer.from('avro.codec')),
    sized(Buffer.from(isDeflated ? 'deflate' : 'null')),
    zigzag(0),
    sync,
    zigzag(1),
    sized(isDeflated ? deflateRawSync(record) : record),
    sync,
  ])
}
