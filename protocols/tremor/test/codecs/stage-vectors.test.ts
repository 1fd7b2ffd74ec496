import { beforeAll, describe, expect, it } from 'vitest'
import { StageBudget } from '../../codecs/stage-budget'
import { readNamedList } from '../../codecs/definition'
import { CodecError, DefinitionError } from '../../codecs/errors'
import { PreprocessorChain } from '../../codecs/inbound'
import { createOutbound, PostprocessorChain } from '../../codecs/outbound'
import { defaultLimits } from '../../codecs/limits'
import { postprocessorMaker } from '../../codecs/stages/postprocessors'
import { preprocessorMaker } from '../../codecs/stages/preprocessors'
import { bytes, hexes, readVectors, vectorFiles, type Vector } from './vectors'

const preprocessors = (chain: unknown) =>
  readNamedList(chain, 'preprocessors').map((named) => preprocessorMaker(named, defaultLimits))
const postprocessors = (chain: unknown) =>
  readNamedList(chain, 'postprocessors').map((named) => postprocessorMaker(named, defaultLimits))

beforeAll(async () => {
  for (const maker of preprocessors([{ name: 'decompress', config: { algorithm: 'zstd' } }])) {
    await maker.prepare?.()
  }
})

describe.each(vectorFiles(/^pre-/))('%s', (file) => {
  it.each(readVectors(file).map((vector) => [vector.id, vector.title, vector] as const))(
    '%s: %s',
    (_id, _title, vector) => runPreprocessors(vector),
  )
})

function runPreprocessors(vector: Vector): void {
  if (vector.expect?.config_error) {
    expect(() => preprocessors(vector.chain)).toThrow(DefinitionError)
    return
  }
  const chain = new PreprocessorChain(preprocessors(vector.chain), defaultLimits)
  for (const step of vector.steps) {
    const message = { data: bytes(step.frame), ingestNs: BigInt(step.ingest_ns ?? 0) }
    if (step.expect.error) {
      expect(() => chain.process(message)).toThrow(CodecError)
      continue
    }
    const chunks = chain.process(message)
    expect(hexes(chunks.map(({ data }) => data))).toEqual(hexes(step.expect.chunks.map(bytes)))
    const times = chunks.map(({ ingestNs }) => String(ingestNs))
    if (step.expect.ingest_ns !== undefined) expect(times.at(-1)).toBe(step.expect.ingest_ns)
    if (step.expect.ingest_ns_per_chunk) expect(times).toEqual(step.expect.ingest_ns_per_chunk)
  }
  if (!vector.end) return
  const end = chain.finish(0n).map(({ data }) => data)
  expect(hexes(end)).toEqual(hexes(vector.end.chunks.map(bytes)))
}

describe.each(vectorFiles(/^post/))('%s', (file) => {
  it.each(readVectors(file).map((vector) => [vector.id, vector.title, vector] as const))(
    '%s: %s',
    (_id, _title, vector) => runPostprocessors(vector),
  )
})

function runPostprocessors(vector: Vector): void {
  if (vector.expect?.config_error) {
    expect(() => postprocessors(vector.chain)).toThrow(DefinitionError)
    return
  }
  const forClient = () => createOutbound({ codec: 'binary', postprocessors: vector.chain }, { life: 'event' })
  if (vector.streaming) expect(forClient).toThrow(DefinitionError)
  else expect(forClient).not.toThrow()
  const chain = new PostprocessorChain(postprocessors(vector.chain))
  for (const { payload, expect: expected } of vector.steps) {
    const out = chain.process(bytes(payload), BigInt(vector.ingest_ns ?? 0))
    if (vector.compare === 'decompress') expectCompressed(out, expected, vector.algorithm)
    else expect(hexes(out)).toEqual(hexes(expected.chunks.map(bytes)))
  }
  expect(hexes(chain.finish())).toEqual(hexes(vector.end?.chunks.map(bytes) ?? []))
}

function expectCompressed(out: Buffer[], expected: Vector['expect'], algorithm: string | undefined): void {
  expect(out).toHaveLength(1)
  const [data] = out as [Buffer]
  const start = expected.starts_with ? bytes(expected.starts_with).toString('hex') : ''
  expect(data.toString('hex').startsWith(start)).toBe(true)
  const [maker] = preprocessors([{ name: 'decompress', config: { algorithm } }])
  const [unpacked] = maker!.make(new StageBudget(0)).process({ data, ingestNs: 0n })
  expect(unpacked?.data.toString('hex')).toBe(bytes(expected.decompressed).toString('hex'))
}
