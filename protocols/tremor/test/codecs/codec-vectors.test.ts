import { describe, expect, it } from 'vitest'
import type { Codec } from '../../codecs/codec'
import { createCodec } from '../../codecs/create-codec'
import { CodecError, DefinitionError } from '../../codecs/errors'
import { createInbound } from '../../codecs/inbound'
import { createOutbound } from '../../codecs/outbound'
import { bytes, decoded, readKind, readVectors, vectorFiles, writable, type Vector } from './vectors'

describe.each(vectorFiles(/^codec-/))('%s', (file) => {
  it.each(readVectors(file).map((vector) => [vector.id, vector.title, vector] as const))(
    '%s: %s',
    (_id, _title, vector) => run(vector),
  )
})

const metaOf = (vector: Vector) => ({ ingestNs: BigInt(vector.ingest_ns ?? 0) })

function run(vector: Vector): void {
  if (vector.expect?.config_error) {
    expect(() => createCodec(vector.codec)).toThrow(DefinitionError)
    return
  }
  const codec = createCodec(vector.codec)
  if (vector.sequence) for (const step of vector.sequence) runEncode(codec, { ...vector, ...step })
  else if (vector.roundtrip !== undefined) runRoundTrip(codec, vector)
  else if (vector.data) runDecode(codec, vector, bytes(vector.data))
  else runEncode(codec, vector)
}

function runDecode(codec: Codec, vector: Vector, data: Buffer): void {
  const decode = () => codec.decode(data, metaOf(vector))
  if (vector.expect.error) expect(decode).toThrow(CodecError)
  else if (vector.expect.none) expect(decode()).toBeUndefined()
  // Records have no prototype on either side, so that this compares all of it.
  else expect(decode()?.value).toStrictEqual(decoded(vector.expect.value))
}

function runEncode(codec: Codec, vector: Vector): void {
  const encode = () => codec.encode(writable(vector.value), metaOf(vector))
  if (vector.expect.error) {
    expect(encode).toThrow(CodecError)
    return
  }
  const decode = (data: Buffer) => codec.decode(data, metaOf(vector))?.value
  if (vector.expect.decodes_to) {
    expect(decode(encode())).toStrictEqual(decoded(vector.expect.decodes_to))
    return
  }
  const expected = bytes(vector.expect.data)
  if (vector.compare === 'json' || vector.compare === 'yaml' || vector.compare === 'decode') {
    expect(decode(encode())).toStrictEqual(decode(expected))
  } else expect(encode().toString('latin1')).toBe(expected.toString('latin1'))
}

function runRoundTrip(codec: Codec, vector: Vector): void {
  const value = codec.decode(Buffer.from(vector.roundtrip ?? ''), metaOf(vector))?.value
  expect(codec.encode(value!, metaOf(vector)).toString()).toBe(vector.expect.text)
}

it('has a pattern for every file of codecs and stages', () => {
  const kinds = vectorFiles(/\.json$/).filter((file) => ['codec', 'pre', 'post'].includes(readKind(file)))
  expect(kinds).toEqual(vectorFiles(/^(codec-|pre-|post)/))
  expect(kinds).toHaveLength(20)
})

describe('config.json', () => {
  const refused = ['config.009', 'config.028', 'config.030', 'config.031', 'config.032']

  it.each(readVectors('config.json').map(({ id, title, definition }) => [id, title, definition] as const))(
    '%s: %s',
    (id, _title, definition) => {
      const make = () => {
        createInbound(definition)
        createOutbound(definition, { life: 'stream' })
      }
      if (refused.includes(id)) expect(make).toThrow(DefinitionError)
      else expect(make).not.toThrow()
    },
  )
})
