import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CodecError, ExcessError } from '../../codecs/errors'
import { createInbound, type InboundDefinition } from '../../codecs/inbound'
import { type CodecLimits, defaultLimits } from '../../codecs/limits'
import { gunzipMembers } from '../../codecs/compression/gzip'
import { splitZstdFrames } from '../../codecs/compression/zstd-frames'
import { decoding } from './vectors'

const times = (count: number, piece: Buffer | string, before = '', after = '') =>
  Buffer.concat([
    Buffer.from(before),
    ...Array.from({ length: count }, () => Buffer.from(piece as string)),
    Buffer.from(after),
  ])

const hex = (text: string) => Buffer.from(text, 'hex')

const receive = async (
  definition: InboundDefinition,
  message: Buffer,
  limits: Partial<CodecLimits> = {},
): Promise<unknown[]> => {
  const inbound = createInbound(definition, limits)
  await inbound.prepare()
  return decoding(inbound.stream())
    .receive(message, 0n)
    .map((outcome) => (outcome.kind === 'event' ? outcome.value : outcome.error))
}

const packed = (algorithm: string, ...before: unknown[]): InboundDefinition => ({
  codec: 'string',
  preprocessors: [...before, { name: 'decompress', config: { algorithm } }],
})

const emptyMember = gzipSync('')
const emptyFrame = hex('28b52ffd2000010000')
const identifier = hex('ff060000734e61507059')

describe('a message of many empty pieces', () => {
  it.each<[string, InboundDefinition, (count: number) => Buffer]>([
    ['gzip members', packed('gzip'), (count) => times(count, emptyMember)],
    // Each has a block.
    ['zstd frames', packed('zstd'), (count) => times(Math.ceil(count / 2), emptyFrame)],
    ['skippable zstd frames', packed('zstd'), (count) => times(count, hex('502a4d1800000000'))],
    [
      'snappy frames',
      packed('snappy'),
      (count) => Buffer.concat([identifier, times(count - 1, hex('fe000000'))]),
    ],
    [
      'gzip objects in lines',
      packed('gzip', 'length-prefixed'),
      (count) =>
        times(count, Buffer.concat([hex(`00000000000000${emptyMember.length.toString(16)}`), emptyMember])),
    ],
  ])('of %s is taken up to the limit, and refused beyond it', async (_name, definition, message) => {
    const limits = { maxMembers: 6 }
    for (const one of await receive(definition, message(6), limits)) expect(one).toBe('')
    const [refused, ...others] = await receive(definition, message(7), limits)
    expect(refused).toBeInstanceOf(ExcessError)
    expect(others).toEqual([])
  })

  it('counts the pieces of each message alone', async () => {
    const inbound = createInbound(packed('gzip'), { maxMembers: 2 })
    const stream = decoding(inbound.stream())
    for (let n = 0; n < 3; n++)
      expect(stream.receive(times(2, emptyMember), 0n)).toMatchObject([{ kind: 'event' }])
  })

  it('is left at the limit, whatever follows: a megabyte of gzip members, of zstd frames and of their blocks', () => {
    for (const look of [
      (onMember: () => void) => gunzipMembers(times(52_000, emptyMember), 1_000, Infinity, onMember),
      (onMember: () => void) => splitZstdFrames(times(116_000, emptyFrame), onMember),
      (onMember: () => void) =>
        splitZstdFrames(Buffer.concat([hex('28b52ffd0000'), times(300_000, hex('000000'))]), onMember),
    ]) {
      let pieces = 0
      const count = () => {
        if (++pieces > defaultLimits.maxMembers) throw new ExcessError('enough')
      }
      expect(() => look(count)).toThrow('enough')
      expect(pieces).toBe(defaultLimits.maxMembers + 1)
    }
  })
})

describe('a message of very many values', () => {
  const many = defaultLimits.maxValues + 1
  it.each<[string, string, Buffer]>([
    ['empty JSON objects', 'json', times(many, '{},', '[', '1]')],
    ['empty msgpack maps', 'msgpack', Buffer.concat([hex('dd00061a80'), Buffer.alloc(400_000, 0x80)])],
    ['csv fields', 'csv', times(many, ',')],
    ['influx tags', 'influx', times(many, ',a=b', 'm', ' f=1')],
    ['dogstatsd sections', 'dogstatsd', times(many, '|', 'a:1|c')],
    ['dogstatsd values', 'dogstatsd', times(many, ':1', 'a', '|c')],
    ['dogstatsd tags', 'dogstatsd', times(many, ',t', 'a:1|c|#t')],
    ['syslog elements', 'syslog', times(many, '[a]', '<1>1 - h a p m ')],
    ['sections of a service check', 'dogstatsd', times(many, '|', '_sc|a|0')],
    ['sections of an event', 'dogstatsd', times(many, '|', '_e{1,1}:a|b')],
  ])('is refused: %s', async (_name, codec, message) => {
    const [refused] = await receive({ codec }, message)
    expect(refused).toBeInstanceOf(ExcessError)
  })

  it('is refused: binflux tags', async () => {
    const tag = hex('0001610000')
    const message = (count: number) =>
      Buffer.concat([
        hex('0000000161'),
        hex('0000000000000001'),
        hex(count.toString(16).padStart(4, '0')),
        times(count, tag),
        hex('0000'),
      ])
    expect(await receive({ codec: 'binflux' }, message(3), { maxValues: 3 })).toMatchObject([{ tags: {} }])
    const [refused] = await receive({ codec: 'binflux' }, message(4), { maxValues: 3 })
    expect(refused).toBeInstanceOf(ExcessError)
  })

  it.each([
    ['lists in lists', times(4_000, '[],', '[', ']')],
    ['pairs', times(4_000, 'a: {},', '{', '}')],
    ['entries', times(5_000, '- \n')],
    ['comments', times(30_000, '#\n', '', '1')],
    ['documents', times(6_000, '---\n')],
  ])('is refused before any node is made: YAML of %s', async (_name, message) => {
    const [refused] = await receive({ codec: 'yaml' }, message)
    expect(refused).toBeInstanceOf(ExcessError)
    expect((refused as Error).message).toMatch(/too many tokens/)
  })

  it('is refused, however deep or flat it is, without a full stack', async () => {
    for (const [codec, message] of [
      ['json', '['.repeat(1_000_000)],
      ['json', '{"a":'.repeat(200_000)],
      ['yaml', '['.repeat(65_000)],
      ['yaml', '- '.repeat(30_000)],
      ['yaml', '? '.repeat(30_000)],
      ['msgpack', Buffer.alloc(1_000_000, 0x91)],
      ['tremor', Buffer.concat([hex('0000'), times(100_000, hex('080000000000000001'))])],
    ] as const) {
      const [refused] = await receive({ codec }, Buffer.from(message as string))
      expect(refused, codec).toBeInstanceOf(ExcessError)
    }
  })
})

describe('ordinary content that cannot be taken', () => {
  it.each<[string, InboundDefinition, Buffer]>([
    ['no JSON', { codec: 'json' }, Buffer.from('{')],
    ['no gzip', packed('gzip'), Buffer.from('not compressed')],
    ['cut gzip', packed('gzip'), emptyMember.subarray(0, 15)],
    ['a cut zstd frame', packed('zstd'), emptyFrame.subarray(0, 8)],
  ])('is no excess: %s', async (_name, definition, message) => {
    const [refused] = await receive(definition, message)
    expect(refused).toBeInstanceOf(CodecError)
    expect(refused).not.toBeInstanceOf(ExcessError)
  })
})
