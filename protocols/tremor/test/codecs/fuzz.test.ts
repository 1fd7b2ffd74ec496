import { deepStrictEqual } from 'node:assert'
import { describe, expect, it } from 'vitest'
import { StageBudget } from '../../codecs/stage-budget'
import type { Codec } from '../../codecs/codec'
import { createCodec } from '../../codecs/create-codec'
import { readNamed } from '../../codecs/definition'
import { CodecError } from '../../codecs/errors'
import { defaultLimits } from '../../codecs/limits'
import { preprocessorMaker } from '../../codecs/stages/preprocessors'
import { isRecord, type Value } from '../../codecs/value'
import { mutations } from './mutations'
import { bytes, readVectors, vectorFiles, type BytesNotation, type Vector } from './vectors'

const frames = 10_000
const timeoutMs = 100_000
/** A whole second: graphite writes no less. */
const meta = { ingestNs: 1_000_000_000n }

const nameOf = (named: unknown) => readNamed(named, 'test').name
/** What the vectors feed to something, as a start for mutations. */
const goodOnes = (vectors: Vector[], inputs: (vector: Vector) => BytesNotation[]) =>
  vectors.flatMap((vector) =>
    inputs(vector)
      .map(bytes)
      .filter((one) => one.length < 5000),
  )

/** Whether it went well; everything that is thrown must be of the one declared class. */
function holds(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return false
  }
}

/** What was decoded is written as what decodes to the same, or not at all. */
function expectSame(codec: Codec, value: Value): void {
  let written: Buffer = Buffer.alloc(0)
  if (holds(() => (written = codec.encode(value, meta)))) {
    deepStrictEqual(codec.decode(written, meta)?.value, value)
  }
}

/** A quote in the name of an influx field is written with an escape that is not read as one. */
const hasQuoteInName = (value: Value) =>
  isRecord(value) && isRecord(value.fields) && Object.keys(value.fields).some((name) => name.includes('"'))

describe('ten thousand damaged frames', () => {
  const codecVectors = vectorFiles(/^codec-/)
    .flatMap(readVectors)
    .filter((one) => !one.expect?.config_error)
  const codecs = [...new Map(codecVectors.map(({ codec }) => [nameOf(codec), codec])).entries()]
  const takesEverything = ['null', 'binary']

  it.each(codecs)(
    'codec %s decodes them or fails, and writes again what it has decoded',
    (name, definition) => {
      const codec = createCodec(definition)
      const mine = codecVectors.filter((one) => nameOf(one.codec) === name)
      const good = goodOnes(mine, ({ data, expect: expected, roundtrip }) =>
        [data, expected?.data, roundtrip === undefined ? undefined : { utf8: roundtrip }].flatMap(
          (one) => one ?? [],
        ),
      )
      let [taken, refused] = [0, 0]
      for (const frame of [...good, ...mutations(good, frames, name.length)]) {
        let decoded: ReturnType<typeof codec.decode>
        if (holds(() => (decoded = codec.decode(frame, meta)))) taken += 1
        else refused += 1
        if (decoded && !hasQuoteInName(decoded.value)) expectSame(codec, decoded.value)
      }
      expect(taken).toBeGreaterThan(0)
      expect(refused > 0).toBe(!takesEverything.includes(name))
    },
    timeoutMs,
  )

  const preVectors = vectorFiles(/^pre-/)
    .flatMap(readVectors)
    .filter((one) => one.steps?.length > 0)
  const algorithms = ['autodetect', 'gzip', 'zlib', 'br', 'zstd', 'lz4', 'xz2', 'snappy']
  const stages = [
    'separate',
    { name: 'separate', config: {} },
    { name: 'separate', config: { buffered: false } },
    'remove-empty',
    'base64',
    'length-prefixed',
    'textual-length-prefixed',
    'ingest-ns',
    'gelf-chunking',
    ...algorithms.map((algorithm) => ({ name: 'decompress', config: { algorithm } })),
  ]

  it.each(stages.map((stage) => [JSON.stringify(stage), stage] as const))(
    'stage %s takes them or fails, and holds no more than it may',
    async (_title, stage) => {
      const limits = { ...defaultLimits, maxBufferedBytes: 10_000, maxDecompressedBytes: 10_000 }
      const maker = preprocessorMaker(readNamed(stage, 'test'), limits)
      await maker.prepare?.()
      const mine = preVectors.filter((one) => nameOf(one.chain[0] ?? 'none') === nameOf(stage))
      const good = goodOnes(mine, ({ steps }) => steps.map(({ frame }) => frame))
      let budget = new StageBudget(limits.maxBufferedBytes)
      let instance = maker.make(budget)
      let [made, taken] = [0, 0]
      const share =
        typeof stage === 'object' && stage.name === 'decompress' ? frames / algorithms.length : frames
      for (const frame of [...good, ...mutations(good, share, 7)]) {
        made += 1
        if (holds(() => instance.process({ data: frame, ingestNs: BigInt(made) * 10_000_000n }))) taken += 1
        // Streams end, and some of them had failed for good.
        if (made % 40 > 0) continue
        instance.finish(0n)
        // All that was held has been given back.
        expect(() => budget.take(limits.maxBufferedBytes)).not.toThrow()
        budget = new StageBudget(limits.maxBufferedBytes)
        instance = maker.make(budget)
      }
      expect(made).toBe(good.length + share)
      expect(taken).toBeGreaterThan(0)
    },
    timeoutMs,
  )
})
