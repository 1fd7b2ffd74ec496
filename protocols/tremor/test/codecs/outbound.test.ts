import { describe, expect, it } from 'vitest'
import { CodecError, DefinitionError } from '../../codecs/errors'
import { createOutbound, type OutboundDefinition } from '../../codecs/outbound'

const open = (definition: OutboundDefinition, life: 'stream' | 'event' = 'stream') =>
  createOutbound(definition, { life }).stream()
const binary = { ingestNs: 5n, isText: false }
const text = { ingestNs: 5n, isText: true }
const hex = (messages: Buffer[]) => messages.map((one) => one.toString('hex'))

describe('the way out', () => {
  it('encodes, and runs the stages in their order', () => {
    const stream = open({ codec: 'json', postprocessors: ['separate', 'base64'] })
    expect(stream.encode({ p: 1 }, text).map(String)).toEqual([Buffer.from('{"p":1}\n').toString('base64')])
  })

  it('gives an empty message where the codec writes nothing', () => {
    expect(hex(open({ codec: 'null' }).encode({ p: 1 }, text))).toEqual([''])
  })

  it('fails an event for text of which any message is not UTF-8, and sends it as bytes', () => {
    const stream = open({ codec: 'binary', postprocessors: ['gelf-chunking'] })
    const payload = Buffer.concat([Buffer.alloc(8180, 'a'), Buffer.of(0xff)])
    expect(() => stream.encode(payload, text)).toThrow(CodecError)
    expect(stream.encode(payload, binary)).toHaveLength(2)
  })

  it('leaves nothing of an event that could not be written', () => {
    const stream = open({ codec: 'binflux' })
    expect(() => stream.encode({ measurement: 'bad' }, binary)).toThrow(CodecError)
    expect(hex(stream.encode({ measurement: 'm', timestamp: 1 }, binary))).toEqual([
      '000000016d000000000000000100000000',
    ])
  })

  it('stamps every event with its own ingest time', () => {
    const stream = open({ codec: 'string', postprocessors: ['ingest-ns'] })
    expect(hex(stream.encode('a', { ...binary, ingestNs: 42n }))).toEqual(['000000000000002a61'])
    expect(hex(stream.encode('a', { ...binary, ingestNs: 2n ** 64n - 1n }))).toEqual(['ffffffffffffffff61'])
  })

  it('gives no message for an empty payload of GELF, and fails one that needs more than 128 parts', () => {
    const stream = open({ codec: 'binary', postprocessors: ['gelf-chunking'] })
    expect(stream.encode(Buffer.alloc(0), binary)).toEqual([])
    expect(stream.encode(Buffer.alloc(128 * 8180), binary)).toHaveLength(128)
    expect(() => stream.encode(Buffer.alloc(128 * 8180 + 1), binary)).toThrow(CodecError)
  })
})

describe('life of the way out', () => {
  const ids = (messages: Buffer[]) => messages.map((one) => one.toString('hex', 2, 10))

  it('counts GELF messages for a stream, and from 0 for each event that stands alone', () => {
    const definition = { codec: 'string', postprocessors: ['gelf-chunking'] }
    const stream = open(definition)
    expect([...ids(stream.encode('a', binary)), ...ids(stream.encode('a', binary))]).toEqual([
      '0000000000000005',
      '0000000000010005',
    ])
    const single = open(definition, 'event')
    expect([...ids(single.encode('a', binary)), ...ids(single.encode('a', binary))]).toEqual([
      '0000000000000005',
      '0000000000000005',
    ])
  })

  it('joins events in a stream and is refused where each stands alone', () => {
    const chunk = { codec: 'string', postprocessors: [{ name: 'chunk', config: { max_bytes: 4 } }] }
    const stream = open(chunk)
    expect(stream.encode('abc', text)).toEqual([])
    expect(stream.encode('de', text).map(String)).toEqual(['abc'])
    expect(() => open(chunk, 'event')).toThrow(/chunk joins events/)
    expect(() => open({ codec: 'string', postprocessors: ['collect'] }, 'event')).toThrow(DefinitionError)
  })

  it('collects no more than it may hold', () => {
    const outbound = createOutbound(
      { codec: 'string', postprocessors: ['collect'] },
      { life: 'stream', limits: { maxBufferedBytes: 5 } },
    ).stream()
    expect(outbound.encode('abcde', text)).toEqual([])
    expect(() => outbound.encode('f', text)).toThrow(CodecError)
  })
})

describe('definitions of the way out', () => {
  it.each([
    [{}],
    [{ codec: 'json', postprocessors: {} }],
    [{ codec: 'json', postprocessors: [{ name: 'separate', config: null }] }],
    [{ codec: 'json', postprocessors: [{ name: 'separate', config: { max_length: 1 } }] }],
    [{ codec: 'json', postprocessors: [{ name: 'collect', config: null }] }],
    [{ codec: 'json', postprocessors: [{ name: 'compress', config: null }] }],
    [{ codec: 'json', postprocessors: [{ name: 'compress', config: { algorithm: 'br', level: 5 } }] }],
  ])('refuses %j', (definition) => {
    expect(() => open(definition)).toThrow(DefinitionError)
  })

  it('ignores a level that is no whole number, and other keys', () => {
    const config = { algorithm: 'gzip', level: 'best', more: true }
    expect(() => open({ codec: 'json', postprocessors: [{ name: 'compress', config }] })).not.toThrow()
  })

  it('refuses streaming-compress by its name', () => {
    expect(() => open({ codec: 'json', postprocessors: ['streaming-compress'] })).toThrow(
      /streaming-compress is not offered/,
    )
  })
})
