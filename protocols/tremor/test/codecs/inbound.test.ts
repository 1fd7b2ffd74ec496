import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../../codecs/errors'
import { createInbound, type InboundDefinition, type InboundOutcome } from '../../codecs/inbound'
import type { CodecLimits } from '../../codecs/limits'
import { decoding } from './vectors'

const open = (definition: InboundDefinition, limits: Partial<CodecLimits> = {}) =>
  decoding(createInbound(definition, limits).stream())

/** Values of events, and `failure` for failures. */
const brief = (outcomes: InboundOutcome[]) =>
  outcomes.map((one) => (one.kind === 'event' ? one.value : 'failure'))

describe('the way in', () => {
  it('makes one event of a message where there are no stages', () => {
    expect(open({ codec: 'json' }).receive(Buffer.from('{"p":1}'), 7n)).toEqual([
      { kind: 'event', value: { p: 1 }, ingestNs: 7n },
    ])
  })

  it('decodes the chunks after one that the codec cannot take', () => {
    const stream = open({ codec: 'json', preprocessors: ['separate'] })
    expect(brief(stream.receive(Buffer.from('1\nx\n3\n'), 0n))).toEqual([1, 'failure', 3])
  })

  it('makes nothing of a chunk in which nothing is', () => {
    const stream = open({ codec: 'influx', preprocessors: ['separate'] })
    const outcomes = stream.receive(Buffer.from('# comment\nm f=1 5\n\n'), 0n)
    expect(outcomes).toHaveLength(1)
    expect(outcomes[0]).toMatchObject({ kind: 'event', value: { measurement: 'm' } })
  })

  it('gives one failure and no event where a stage fails, and goes on with the next message', () => {
    const stream = open({ codec: 'string', preprocessors: ['separate', 'base64'] })
    expect(brief(stream.receive(Buffer.from('YQ==\n!!\nYg==\n'), 0n))).toEqual(['failure'])
    expect(brief(stream.receive(Buffer.from('Yw==\n'), 0n))).toEqual(['c'])
  })

  it('keeps for each chunk the ingest time that it brought', () => {
    const stamped = (ns: bigint, text: string) => {
      const stamp = Buffer.alloc(8)
      stamp.writeBigUInt64BE(ns)
      return Buffer.concat([Buffer.of(0, 0, 0, 0, 0, 0, 0, 8 + text.length), stamp, Buffer.from(text)])
    }
    const stream = open({ codec: 'string', preprocessors: ['length-prefixed', 'ingest-ns'] })
    const outcomes = stream.receive(Buffer.concat([stamped(42n, 'a'), stamped(43n, 'b')]), 1n)
    expect(outcomes.map(({ ingestNs }) => ingestNs)).toEqual([42n, 43n])
  })

  it('has state of its own in each stream', () => {
    const inbound = createInbound({ codec: 'string', preprocessors: ['separate'] })
    const [first, second] = [decoding(inbound.stream()), decoding(inbound.stream())]
    first.receive(Buffer.from('half '), 0n)
    second.receive(Buffer.from('other '), 0n)
    expect(brief(first.receive(Buffer.from('line\n'), 0n))).toEqual(['half line'])
    expect(brief(second.receive(Buffer.from('line\n'), 0n))).toEqual(['other line'])
  })

  it('joins a character that was cut by the end of a message', () => {
    const stream = open({ codec: 'string', preprocessors: ['separate'] })
    expect(stream.receive(Buffer.from('e282', 'hex'), 0n)).toEqual([])
    expect(brief(stream.receive(Buffer.from('ac0a', 'hex'), 0n))).toEqual(['€'])
  })
})

describe('the end of a stream', () => {
  const endOf = (preprocessors: unknown[], message: Buffer) => {
    const stream = open({ codec: 'string', preprocessors })
    stream.receive(message, 1n)
    return stream.end(9n)
  }

  it('gives an unfinished line, with the time of the end', () => {
    expect(endOf(['separate'], Buffer.from('a\nb'))).toEqual([{ kind: 'event', value: 'b', ingestNs: 9n }])
  })

  it('loses an unfinished line where another stage follows', () => {
    expect(endOf(['separate', 'remove-empty'], Buffer.from('a\nb'))).toEqual([])
  })

  it('keeps an unfinished line where other stages come before', () => {
    expect(brief(endOf(['remove-empty', 'separate'], Buffer.from('a\nb')))).toEqual(['b'])
    expect(brief(endOf(['decompress', 'separate'], gzipSync('a\nb')))).toEqual(['b'])
  })

  it('splits what the stage before gave, and then gives the rest', () => {
    const comma = { name: 'separate', config: { separator: ',' } }
    expect(brief(endOf(['separate', comma], Buffer.from('a\nb,c,d')))).toEqual(['a' + 'b', 'c', 'd'])
  })

  it('drops messages that are not complete', () => {
    expect(endOf(['length-prefixed'], Buffer.from('000000000000000361', 'hex'))).toEqual([])
    expect(endOf(['textual-length-prefixed'], Buffer.from('3 a'))).toEqual([])
    expect(endOf(['gelf-chunking'], Buffer.from('1e0f0000000000000001000261', 'hex'))).toEqual([])
  })

  it('is one failure where the last chunk cannot be decoded', () => {
    const stream = open({ codec: 'json', preprocessors: ['separate'] })
    stream.receive(Buffer.from('{"cut'), 0n)
    expect(brief(stream.end(0n))).toEqual(['failure'])
  })
})

describe('limits of the way in', () => {
  it('refuses a message that becomes too many chunks, whichever stage cuts it', () => {
    const textual = open({ codec: 'string', preprocessors: ['textual-length-prefixed'] }, { maxChunks: 3 })
    expect(brief(textual.receive(Buffer.from('0 0 0 0 '), 0n))).toEqual(['failure'])
    const binary = open({ codec: 'string', preprocessors: ['length-prefixed'] }, { maxChunks: 3 })
    expect(brief(binary.receive(Buffer.alloc(8 * 4 + 1), 0n))).toEqual(['failure'])
    const lines = open({ codec: 'string', preprocessors: ['separate'] }, { maxChunks: 3 })
    expect(brief(lines.receive(Buffer.from('\n\n\n\n'), 0n))).toEqual(['failure'])
    expect(brief(lines.receive(Buffer.from('a\nb\nc\n'), 0n))).toEqual(['a', 'b', 'c'])
    const pieces = open(
      { codec: 'string', preprocessors: [{ name: 'separate', config: { buffered: false } }] },
      { maxChunks: 3 },
    )
    expect(brief(pieces.receive(Buffer.from('\n\n\n'), 0n))).toEqual(['failure'])
  })

  it('adds up what many small compressed chunks become', () => {
    const bomb = gzipSync(Buffer.alloc(1000))
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64BE(BigInt(bomb.length))
    const message = Buffer.concat(Array.from({ length: 5 }, () => Buffer.concat([prefix, bomb])))
    const stages = ['length-prefixed', 'decompress']
    const stream = open({ codec: 'null', preprocessors: stages }, { maxMessageBytes: 4000 })
    expect(brief(stream.receive(message, 0n))).toEqual(['failure'])
    expect(brief(open({ codec: 'null', preprocessors: stages }).receive(message, 0n))).toHaveLength(5)
  })

  it('holds no more than so many bytes in all stages of a stream together', () => {
    const noLimit = { name: 'separate', config: {} }
    const other = { name: 'separate', config: { separator: ',' } }
    const stream = open({ codec: 'string', preprocessors: [noLimit, other] }, { maxBufferedBytes: 10 })
    expect(stream.receive(Buffer.from('123456\n'), 0n)).toEqual([])
    expect(brief(stream.receive(Buffer.from('12345'), 0n))).toEqual(['failure'])
    // The line that was too long is gone, the other stage's is not.
    expect(brief(stream.receive(Buffer.from('7,\n'), 0n))).toEqual(['1234567'])
    expect(stream.receive(Buffer.from('1234567890'), 0n)).toEqual([])
  })

  it('keeps a length-prefixed stream failed after a length that cannot be', () => {
    const stream = open({ codec: 'string', preprocessors: ['length-prefixed'] }, { maxPrefixedBytes: 3 })
    expect(brief(stream.receive(Buffer.from('000000000000000461', 'hex'), 0n))).toEqual(['failure'])
    expect(brief(stream.receive(Buffer.from('000000000000000161', 'hex'), 0n))).toEqual(['failure'])
  })

  it('keeps a textual-length-prefixed stream failed after what is no length, or one without end', () => {
    for (const bad of ['x 1 a', ' 1 a', '1 a\n1 b', '0'.repeat(64), '-1 ', '1\u000bab ']) {
      const stream = open({ codec: 'string', preprocessors: ['textual-length-prefixed'] })
      expect(brief(stream.receive(Buffer.from(bad), 0n))).toEqual(['failure'])
      expect(brief(stream.receive(Buffer.from('1 a'), 0n))).toEqual(['failure'])
    }
  })

  it('fails a textual length that never comes as soon as too much is held', () => {
    const stream = open(
      { codec: 'string', preprocessors: ['textual-length-prefixed'] },
      { maxBufferedBytes: 10 },
    )
    expect(stream.receive(Buffer.from('4294967295 12345'), 0n)).toEqual([])
    expect(brief(stream.receive(Buffer.from('678901'), 0n))).toEqual(['failure'])
  })

  const gelfPart = (id: number, sequence: number) =>
    Buffer.from([0x1e, 0x0f, 0, 0, 0, 0, 0, 0, 0, id, sequence, 2, 0x61])
  const at = (seconds: number) => BigInt(seconds) * 1_000_000_000n

  it('assembles no more than so many GELF messages at once', () => {
    const stream = open({ codec: 'string', preprocessors: ['gelf-chunking'] }, { maxGelfMessages: 2 })
    expect(stream.receive(gelfPart(1, 0), at(100))).toEqual([])
    expect(stream.receive(gelfPart(2, 0), at(100))).toEqual([])
    expect(brief(stream.receive(gelfPart(3, 0), at(100)))).toEqual(['failure'])
    expect(brief(stream.receive(gelfPart(1, 1), at(100)))).toEqual(['aa'])
    expect(stream.receive(gelfPart(3, 0), at(100))).toEqual([])
  })

  it('keeps the parts of a GELF message for two generations of five seconds', () => {
    const stream = open({ codec: 'string', preprocessors: ['gelf-chunking'] })
    expect(stream.receive(gelfPart(1, 0), at(100))).toEqual([])
    expect(stream.receive(gelfPart(2, 0), at(100))).toEqual([])
    expect(stream.receive(gelfPart(3, 0), at(106))).toEqual([])
    expect(brief(stream.receive(gelfPart(1, 1), at(111)))).toEqual(['aa'])
    expect(stream.receive(gelfPart(4, 0), at(112))).toEqual([])
    expect(stream.receive(gelfPart(2, 1), at(112))).toEqual([])
    expect(brief(stream.receive(gelfPart(3, 1), at(112)))).toEqual(['aa'])
  })

  it('throws a GELF message away when a part comes twice or lies outside of it', () => {
    const part = (sequence: number, count: number, text: string) =>
      Buffer.concat([
        Buffer.from('1e0f0000000000000001', 'hex'),
        Buffer.of(sequence, count),
        Buffer.from(text),
      ])
    for (const bad of [part(0, 2, 'x'), part(2, 2, 'x'), part(200, 255, 'x')]) {
      const stream = open({ codec: 'string', preprocessors: ['gelf-chunking'] })
      stream.receive(part(0, 2, 'a'), 0n)
      expect(stream.receive(bad, 0n)).toEqual([])
      expect(stream.receive(part(1, 2, 'b'), 0n)).toEqual([])
      expect(brief(stream.receive(part(0, 2, 'c'), 0n))).toEqual(['cb'])
    }
  })
})

describe('definitions of the way in', () => {
  it.each([
    [{}],
    [{ codec: null }],
    [{ codec: ['json'] }],
    [{ codec: { config: {} } }],
    [{ codec: 'json', preprocessors: null }],
    [{ codec: 'json', preprocessors: [null] }],
    [{ codec: 'json', preprocessors: ['Separate'] }],
    [{ codec: 'json', preprocessors: ['__proto__'] }],
    [{ codec: 'json', preprocessors: [{ name: 'separate', config: [] }] }],
    [{ codec: 'json', preprocessors: [{ name: 'separate', config: { buffered: 'yes' } }] }],
    [{ codec: 'json', preprocessors: [{ name: 'decompress', config: 'gzip' }] }],
  ])('refuses %j', (definition) => {
    expect(() => createInbound(definition)).toThrow(DefinitionError)
  })

  it.each([
    [{ codec: { name: 'json', config: null, more: 1 } }],
    [
      {
        codec: 'json',
        preprocessors: [
          { name: 'base64', config: null },
          { name: 'remove-empty', config: 5 },
        ],
      },
    ],
    [{ codec: 'json', preprocessors: [{ name: 'separate', config: { max_length: null } }] }],
    [{ codec: 'json', preprocessors: [{ name: 'decompress', config: null }] }],
  ])('takes %j', (definition) => {
    expect(() => createInbound(definition)).not.toThrow()
  })

  it('refuses confluent-schema-registry by its name', () => {
    expect(() => createInbound({ codec: 'confluent-schema-registry' })).toThrow(/needs Node 22/)
  })
})
