import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InboundDefinition, InboundStream } from '../../codecs/inbound'
import type { OutboundDefinition } from '../../codecs/outbound'
import { Double, type Value, type Writable } from '../../codecs/value'

const folder = join(__dirname, '../fixtures')

/** Bytes as the vectors write them. */
export type BytesNotation =
  { utf8: string } | { hex: string } | { repeat: BytesNotation; times: number } | { concat: BytesNotation[] }

/** What a step or a codec call is to give. */
interface Expected {
  error?: true
  none?: true
  config_error?: true
  chunks: BytesNotation[]
  ingest_ns?: string
  ingest_ns_per_chunk?: string[]
  decompressed: BytesNotation
  starts_with?: BytesNotation
  data: BytesNotation
  value?: unknown
  decodes_to?: unknown
  text?: string
}

/** A vector of a codec or a stage; which of the fields are there depends on the file. */
export interface Vector {
  id: string
  title: string
  expect: Expected
  ingest_ns?: string
  /** Of stages. */
  chain: unknown[]
  steps: { frame: BytesNotation; payload: BytesNotation; ingest_ns?: string; expect: Expected }[]
  end?: { chunks: BytesNotation[] }
  streaming?: boolean
  compare?: 'exact' | 'json' | 'yaml' | 'decode' | 'decompress'
  algorithm?: string
  /** Of codecs. */
  codec: unknown
  data?: BytesNotation
  value?: unknown
  sequence?: { value: unknown; expect: Expected }[]
  roundtrip?: string
  /** Of connectors. */
  definition: InboundDefinition & OutboundDefinition
}

export const vectorFiles = (pattern: RegExp): string[] =>
  readdirSync(folder).filter((name) => pattern.test(name))

export const readVectors = (file: string): Vector[] =>
  (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { vectors: Vector[] }).vectors

export const readKind = (file: string): string =>
  (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { kind: string }).kind

export function bytes(notation: BytesNotation): Buffer {
  if ('utf8' in notation) return Buffer.from(notation.utf8)
  if ('hex' in notation) return Buffer.from(notation.hex, 'hex')
  if ('concat' in notation) return Buffer.concat(notation.concat.map(bytes))
  const part = bytes(notation.repeat)
  return Buffer.concat(Array.from({ length: notation.times }, () => part))
}

export const hexes = (buffers: readonly Buffer[]): string[] => buffers.map((one) => one.toString('hex'))

type Special = { $float?: string; $int?: string; $bytes?: string }

/** What a codec is to decode to. */
export const decoded = (notation: unknown): Value => bare(writable(notation))

/** A value as codecs decode it: records without prototype, doubles as numbers. */
export function bare(value: Writable): Value {
  if (value instanceof Double) return value.value
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const record = Object.create(null) as Record<string, Value>
  for (const [key, entry] of Object.entries(value)) record[key] = bare(entry)
  return record
}

/** What a codec is to encode, with the doubles of the vector marked as such. */
export function writable(notation: unknown): Writable {
  if (typeof notation !== 'object' || notation === null) return notation as Writable
  if (Array.isArray(notation)) return notation.map(writable)
  const { $float, $int, $bytes } = notation as Special
  if ($float !== undefined) return new Double(Number($float))
  if ($bytes !== undefined) return Buffer.from($bytes, 'hex')
  if ($int !== undefined) {
    const value = BigInt($int)
    return value === BigInt(Number(value)) && Number.isSafeInteger(Number(value)) ? Number(value) : value
  }
  return Object.fromEntries(Object.entries(notation).map(([key, entry]) => [key, writable(entry)]))
}

/** The way in of one connection, with every message decoded as it comes. */
export const decoding = (stream: InboundStream) => ({
  receive: (message: Buffer, ingestNs: bigint) => [...stream.receive(message, ingestNs)],
  end: (ingestNs: bigint) => [...stream.end(ingestNs)],
})
