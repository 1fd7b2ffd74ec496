import { deepStrictEqual } from 'node:assert'
import { describe, expect, it } from 'vitest'
import { createCodec } from '../../codecs/create-codec'
import { CodecError, DefinitionError } from '../../codecs/errors'
import { defaultLimits } from '../../codecs/limits'
import { Double, type Writable } from '../../codecs/value'
import { bare } from './vectors'

const meta = { ingestNs: 1_700_000_000_000_000_000n }
const failure = Symbol('failure')
const none = Symbol('none')
type Case = [input: string, value: unknown]

const decode = (codec: unknown, input: string | Buffer, limits = defaultLimits): unknown => {
  const decoded = createCodec(codec, limits).decode(Buffer.from(input as string), meta)
  return decoded ? decoded.value : none
}
const encode = (codec: unknown, value: Writable): string => createCodec(codec).encode(value, meta).toString()

/** Each input decodes to its value, is nothing, or fails. */
function decodes(codec: unknown, cases: Case[], asBytes = (input: string) => Buffer.from(input)): void {
  it.each(cases)('decodes %j', (input, value) => {
    if (value === failure) expect(() => decode(codec, asBytes(input))).toThrow(CodecError)
    else if (value === none) expect(decode(codec, asBytes(input))).toBe(none)
    else deepStrictEqual(decode(codec, asBytes(input)), bare(value as Writable))
  })
}

/** Each value is written as this text, or fails. */
function encodes(codec: unknown, cases: [value: Writable, text: string | typeof failure][]): void {
  it.each(cases.map(([value, text], index) => [index, value, text] as const))(
    'encodes value %d',
    (_index, value, text) => {
      if (text === failure) expect(() => encode(codec, value)).toThrow(CodecError)
      else expect(encode(codec, value)).toBe(text)
    },
  )
}

describe('json', () => {
  decodes('json', [
    ['9007199254740993', 9007199254740993n],
    ['-9223372036854775809', failure],
    [`1${'0'.repeat(400)}`, failure],
    ['9007199254740993.0', 9007199254740992],
    ['1e-400', 0],
    ['-0', 0],
    ['-0.0', -0],
    ['{"a":{"b":1,"b":2},"a":{"b":3,"b":4}}', { a: { b: 4 } }],
    ['\uFEFF1', failure],
    ['"\\ud800"', failure],
    ['"\\ud83e\\udda1"', '🦡'],
    ['"a\\', failure],
    ['"a', failure],
    ['"\\u0022\\/"', '"/'],
    ['-', failure],
    ['tru', failure],
    ['[1 2]', failure],
    ['[1,]', failure],
    ['{"a" 1}', failure],
    ['{a:1}', failure],
    ['\u00a01', failure],
    ['[', failure],
    ['{"a":1', failure],
  ])

  it('keeps __proto__ and the like as ordinary keys', () => {
    const value = decode('json', '{"__proto__":{"polluted":1},"constructor":2,"toString":3}') as object
    expect(Object.getPrototypeOf(value)).toBeNull()
    expect(Object.entries(value)).toEqual([
      ['__proto__', { polluted: 1 }],
      ['constructor', 2],
      ['toString', 3],
    ])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('refuses values that are too deep or too many', () => {
    const limits = { ...defaultLimits, maxDepth: 3, maxValues: 5 }
    expect(() => decode('json', '[[[]]]', limits)).not.toThrow()
    expect(() => decode('json', '[[[[]]]]', limits)).toThrow(/too deep/)
    expect(() => decode('json', '[1,2,3,4]', limits)).not.toThrow()
    expect(() => decode('json', '[1,2,3,4,5]', limits)).toThrow(/too many/)
    expect(() => decode('json', '['.repeat(1_000_000))).toThrow(/too deep/)
  })

  encodes('json', [
    [new Double(42), '42.0'],
    [42, '42'],
    [1e21, '1.0e+21'],
    [1e20, '100000000000000000000.0'],
    [-0, '-0.0'],
    [NaN, failure],
    [Infinity, failure],
    [new Double(NaN), failure],
    [2n ** 64n, failure],
    [-(2n ** 63n) - 1n, failure],
    [undefined as unknown as Writable, failure],
    [(() => 1) as unknown as Writable, failure],
  ])

  it('sorts keys by their UTF-8 bytes', () => {
    const sorted = { name: 'json', config: { mode: 'sorted' } }
    expect(encode(sorted, { '\u{1d49c}': 1, '\uff5e': 2, a: 3 })).toBe('{"a":3,"～":2,"𝒜":1}')
  })

  it('fails for what is inside itself', () => {
    const loop: Record<string, Writable> = {}
    loop.loop = loop
    for (const name of ['json', 'msgpack', 'tremor', 'yaml', 'string', 'binary']) {
      expect(() => encode(name, loop)).toThrow(CodecError)
    }
  })
})

describe('string and binary', () => {
  encodes('string', [
    ['half \ud800', failure],
    [Buffer.of(0, 255), '[0,255]'],
    [{ a: Buffer.of(1) }, '{"a":[1]}'],
    [true, 'true'],
  ])
  encodes('binary', [[{ a: 1 }, '{"a":1}']])
})

describe('msgpack', () => {
  const hex = (input: string) => Buffer.from(input, 'hex')
  decodes(
    'msgpack',
    [
      ['01ff', 1],
      ['d6ff00000000', failure],
      ['81c001', failure],
      ['81c4016101', failure],
      ['82a16101a16102', { a: 2 }],
      ['ca7fc00000', failure],
      ['cb7ff0000000000000', failure],
      ['a1ff', failure],
      ['ddffffffff', failure],
      ['dfffffffff', failure],
      ['dbffffffff61', failure],
      ['c6ffffffff00', failure],
      ['dc000101', [1]],
      ['de0001a16101', { a: 1 }],
      ['dd0000000101', [1]],
      ['d9016101', 'a'],
      ['da000161', 'a'],
      ['db0000000161', 'a'],
      ['c5000101', Buffer.of(1)],
      ['d1ff00', -256],
      ['d2ffff0000', -65536],
      ['cdffff', 65535],
    ],
    hex,
  )

  it.each([
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    [2 ** 32, 'cf0000000100000000'],
    [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
    [-(2 ** 31), 'd280000000'],
    [-129, 'd1ff7f'],
    [-33, 'd0df'],
    [128, 'cc80'],
  ])('writes %d in the smallest form', (value, expected) => {
    expect(createCodec('msgpack').encode(value, meta).toString('hex')).toBe(expected)
  })

  it('writes long texts, bytes, lists and records', () => {
    const long = 70_000
    for (const value of ['x'.repeat(300), 'x'.repeat(long), Buffer.alloc(300), Buffer.alloc(long)]) {
      expect(decode('msgpack', createCodec('msgpack').encode(value, meta))).toEqual(value)
    }
    const list = Array.from({ length: long }, (_, index) => index)
    const record = bare(Object.fromEntries(list.map((one) => [`k${one}`, one])))
    for (const value of [list, record]) {
      const encoded = createCodec('msgpack').encode(value, meta)
      deepStrictEqual(decode('msgpack', encoded, { ...defaultLimits, maxValues: 2 * long + 1 }), value)
    }
  })
})

describe('tremor', () => {
  decodes(
    'tremor',
    [
      ['00000000', null],
      ['0000057ff8000000000000', failure],
      ['00000600000000000000 01ff'.replace(' ', ''), failure],
      ['000008ffffffffffffffff', failure],
      ['000009ffffffffffffffff', failure],
      ['000006ffffffffffffffff', failure],
    ],
    (input) => Buffer.from(input, 'hex'),
  )

  it('refuses lists inside lists without end', () => {
    const list = Buffer.from('080000000000000001', 'hex')
    const deep = Buffer.concat([Buffer.alloc(2), ...Array.from({ length: 1000 }, () => list), Buffer.of(0)])
    expect(() => decode('tremor', deep)).toThrow(/too deep/)
  })
})

describe('csv', () => {
  decodes('csv', [
    ['\r\n\n\ra,b', ['a', 'b']],
    ['a\rb', ['a']],
    ['"a"b,c', ['ab', 'c']],
    ['"a"b"c,d', ['ab"c', 'd']],
    ['"a,b\nc', ['a,b\nc']],
    ['"', ['']],
    ['""', ['']],
    ['""""', ['"']],
    ['"a""', ['a"']],
    [' "a",b', [' "a"', 'b']],
    ['a,', ['a', '']],
  ])
  encodes('csv', [
    [[], '""'],
    [[''], '""'],
    [[new Double(42)], '42'],
    [[1.5, 2n ** 63n], '1.5,9223372036854775808'],
    [['a\rb'], '"a\rb"'],
    [[[1]], failure],
    [[{}], failure],
    [[Buffer.of(1)], failure],
    [[NaN], failure],
  ])
})

describe('influx', () => {
  const line = (fields: Record<string, Writable>, more: Record<string, Writable> = {}) => ({
    measurement: 'm',
    tags: {},
    fields,
    timestamp: 5,
    ...more,
  })
  decodes('influx', [
    ['m  f=1 5', line({ ' f': 1 })],
    ['m,t=a=b f=1 5', line({ f: 1 }, { tags: { t: 'a=b' } })],
    ['m,t=a\\=b f=1 5', line({ f: 1 }, { tags: { t: 'a=b' } })],
    ['m,t= f=1 5', line({ f: 1 }, { tags: { t: '' } })],
    ['m f=1,f=2 5', line({ f: 2 })],
    ['m f=1.,g=.5,h=-1e3,i=+2 5', line({ f: 1, g: 0.5, h: -1000, i: 2 })],
    ['m f=18446744073709551615i 5', line({ f: 2n ** 64n - 1n })],
    ['m f=-9223372036854775808i 5', line({ f: -(2n ** 63n) })],
    ['m f=18446744073709551616i 5', failure],
    ['m f=1e400 5', failure],
    ['m f=inf 5', failure],
    ['m f=1e 5', failure],
    ['m f=. 5', failure],
    ['m f=i 5', failure],
    ['m f="a b,c=d" 5', line({ f: 'a b,c=d' })],
    ['m f="a"b 5', failure],
    ['m f=1\nm f=2', failure],
    ['m f="a\nb" 5', line({ f: 'a\nb' })],
    ['a\\b f=1 5', line({ f: 1 }, { measurement: 'a\\b' })],
    ['a\\=b f=1 5', line({ f: 1 }, { measurement: 'a\\=b' })],
    ['m\\', failure],
    ['m __proto__=1 5', line(bare({ ['__proto__']: 1 }) as Record<string, Writable>)],
    ['m f=1 00000000000000000000000000000000000000005', failure],
    ['m f=1', line({ f: 1 }, { timestamp: meta.ingestNs })],
  ])
  encodes('influx', [
    [line({}), failure],
    [line({ f: [1] }), failure],
    [line({ f: Buffer.of(1) }), failure],
    [line({ f: NaN }), failure],
    [line({ f: 1.5, g: true, h: 'a"b\\c' }), 'm f=1.5,g=true,h="a\\"b\\\\c" 5'],
    [line({ f: 1 }, { timestamp: new Double(5) }), failure],
    [line({ f: 1 }, { timestamp: 2n ** 64n }), failure],
    [line({ f: 1 }, { tags: [] }), failure],
    [line({ f: 1 }, { tags: { 'a=b': 'c=d' } }), 'm,a\\=b=c\\=d f=1i 5'],
  ])
})

describe('statsd', () => {
  decodes('statsd', [
    ['a:1|', { metric: 'a', value: 1 }],
    ['a:+1|c', { type: 'c', metric: 'a', value: 1 }],
    ['a:-+1|c', { type: 'c', metric: 'a', value: -1 }],
    ['a:++1|g', { type: 'g', metric: 'a', value: 1, action: 'add' }],
    ['a:+-1|g', failure],
    ['a:+++1|g', failure],
    ['a:--1|g', failure],
    ['a:1.5e3|c', { type: 'c', metric: 'a', value: 1500 }],
    ['a:1.e3|c', { type: 'c', metric: 'a', value: 1000 }],
    ['a:18446744073709551615|c', { type: 'c', metric: 'a', value: 2n ** 64n - 1n }],
    ['a:-9223372036854775808|c', { type: 'c', metric: 'a', value: -(2n ** 63n) }],
    ['a:-9223372036854775808|g', failure],
    ['a:-9223372036854775807|g', { type: 'g', metric: 'a', value: 2n ** 63n - 1n, action: 'sub' }],
    ['a:-1.5|g', { type: 'g', metric: 'a', value: 1.5, action: 'sub' }],
    ['a:1.e400|c', failure],
    ['a:1|c|@1e400', failure],
    ['a:1|c|@NaN', failure],
    ['a:1|c|@.5', { type: 'c', metric: 'a', value: 1, sample_rate: 0.5 }],
    ['a:1|c|@0.1|x', failure],
  ])
  encodes('statsd', [
    [{ type: 'g', metric: 'a', value: -1, action: 'sub' }, 'a:--1|g'],
    [{ type: 'anything', metric: 'a', value: 1 }, 'a:1|anything'],
    [{ type: 'c', metric: 'a', value: 1, sample_rate: 'often' }, 'a:1|c'],
    [{ type: 'c', metric: 'a', value: new Double(2) }, 'a:2.0|c'],
    [{ type: 'c', metric: 'a', value: 1, action: 'add' }, 'a:1|c'],
    [[1], failure],
  ])
})

describe('graphite-plaintext', () => {
  decodes('graphite-plaintext', [
    ['m 1e3 1', failure],
    ['m 1.0e3 1', { metric: 'm', value: 1000, timestamp: 1_000_000_000 }],
    ['m 1 -2', failure],
    ['m 1 18446744073', { metric: 'm', value: 1, timestamp: 18446744073_000_000_000n }],
    ['m 1 18446744074', failure],
    ['m -5 0', { metric: 'm', value: -5, timestamp: 0 }],
  ])
  encodes('graphite-plaintext', [
    [{ metric: 'm', value: 1, timestamp: 1_999_999_999 }, 'm 1 1'],
    [{ metric: 'm', value: 'x', timestamp: 1 }, failure],
    [{ metric: 'm', value: 1, timestamp: -1 }, failure],
  ])
})

describe('dogstatsd', () => {
  decodes('dogstatsd', [
    ['dog:1|x', { metric: { metric: 'dog', values: [1] } }],
    ['dog:1|c|x:y|zz', { metric: { metric: 'dog', values: [1], type: 'c' } }],
    ['dog:|c', failure],
    ['dog:1::2|c', failure],
    ['dog:NaN|c', failure],
    ['dog:1|c|@x', failure],
    ['_e{1,1}:a|b', { event: { title: 'a', text: 'b' } }],
    ['_e{2,1}:é|b', { event: { title: 'é', text: 'b' } }],
    ['_e{1,1}:é|b', failure],
    ['_e{1,2}:a|b', failure],
    ['_e{1,1}:a|bc', failure],
    ['_e{3,3}:a|b|c|d', { event: { title: 'a|b', text: 'c|d' } }],
    ['_e{1,1}:a|b|d:x', failure],
    ['_e{1,1}:a|b|d:-1', failure],
    ['_e{9999999999,1}:a|b', failure],
    [
      '_sc|n|0|d:5|h:x|#a,b|m:text|c:id',
      {
        service_check: {
          name: 'n',
          status: 0,
          timestamp: 5,
          hostname: 'x',
          tags: ['a', 'b'],
          message: 'text',
          container_id: 'id',
        },
      },
    ],
  ])
  encodes('dogstatsd', [
    [
      { metric: { metric: 'dog', values: [1, 2.5, 2n ** 63n], type: 'c' } },
      'dog:1:2.5:9223372036854775808|c',
    ],
    [{ metric: { metric: 'dog', values: [], type: 'c' } }, failure],
    [{ metric: { metric: 'dog', values: ['1'], type: 'c' } }, failure],
    [{ metric: { metric: 'a:b', values: [1], type: 'c' } }, failure],
    [{ metric: { metric: 'dog', values: [1], type: 'c', tags: ['a,b'] } }, failure],
    [{ metric: { metric: 'dog', values: [1], type: 'c', container_id: 5 } }, failure],
    [{ event: { title: 'é', text: '' } }, '_e{2,0}:é|'],
    [{ service_check: { name: 'n', status: 4 } }, failure],
    [{}, failure],
    [5, failure],
  ])
})

describe('binflux', () => {
  const start = '000000016d0000000000000001'
  decodes(
    'binflux',
    [
      [`${start}00000000ff`, { measurement: 'm', tags: {}, fields: {}, timestamp: 1 }],
      [`${start}000000010001610 17ff8000000000000`.replace(' ', ''), failure],
      [`${start}ffff`, failure],
      ['00000001ff000000000000000100000000', failure],
    ],
    (input) => Buffer.from(input, 'hex'),
  )

  it('leaves out tags that are no text, and fails for what does not fit', () => {
    const write = (more: Record<string, Writable>) =>
      createCodec('binflux').encode({ measurement: 'm', timestamp: 1, ...more }, meta)
    expect(write({ tags: { n: 5 } }).toString('hex')).toBe(`${start}00000000`)
    for (const field of [2n ** 63n, null, {}, Buffer.of(1), NaN, 'x'.repeat(65536)]) {
      expect(() => write({ fields: { f: field } })).toThrow(CodecError)
    }
    const many = Object.fromEntries(Array.from({ length: 65536 }, (_, index) => [`k${index}`, 'v']))
    expect(() => write({ tags: many })).toThrow(/65535/)
    expect(() => write({ tags: 5 })).toThrow(CodecError)
  })
})

describe('yaml', () => {
  decodes('yaml', [
    ['a: 010', { a: '010' }],
    ['a: 0', { a: 0 }],
    ['a: -0x10', { a: -16 }],
    ['a: +5', { a: 5 }],
    ['a: 0b11', { a: 3 }],
    ['a: .inf', failure],
    ['a: -.INF', failure],
    ['a: .nan', failure],
    ['a: -9223372036854775809', failure],
    ['a: -9223372036854775808', { a: -(2n ** 63n) }],
    ['a: !!binary AQI=', { a: 'AQI=' }],
    ['a: !!int 5', { a: 5 }],
    ['a: !!int x', failure],
    ['a: !!float 5', { a: 5 }],
    ['a: !!null ~', { a: null }],
    ['a: !!bool true', { a: true }],
    ['a: ! 5', { a: '5' }],
    ['a: !!set {b}', failure],
    ['a: !!map {b: 1}', { a: { b: 1 } }],
    ['a: !!seq [1]', { a: [1] }],
    ['a: 1\na: 2', { a: 2 }],
    ['<<: {b: 1}\na: 2', { '<<': { b: 1 }, a: 2 }],
    ['~: x', { '~': 'x' }],
    ['0x10: x', { '0x10': 'x' }],
    ['? a\n: b', { a: 'b' }],
    ['a: *x', failure],
    ['&x a: *x', { a: 'a' }],
    ['a: &x 1\nb: &x 2\nc: *x', { a: 1, b: 2, c: 2 }],
    ['a: &x [*x]', failure],
    ['__proto__: {polluted: 1}', bare({ ['__proto__']: { polluted: 1 } })],
    ['# nothing but a comment', null],
    ['a: >\n  x\n  y\n', { a: 'x y\n' }],
    ["a: 'it''s'", { a: "it's" }],
  ])

  it('ends copies of copies of copies', () => {
    const names = 'abcdefghij'.split('')
    const lines = names.map((name, index) => {
      const before = index === 0 ? 'x' : `*${names[index - 1]}`
      return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join(', ')}]`
    })
    expect(() => decode('yaml', lines.join('\n'))).toThrow(/too many/)
  })

  it('refuses what is too deep before anything recurses, and what is too long', () => {
    for (const text of ['['.repeat(5000), '{a: '.repeat(5000), '- '.repeat(5000), '? '.repeat(5000)]) {
      expect(() => decode('yaml', text)).toThrow(CodecError)
    }
    expect(() => decode('yaml', 'x'.repeat(70_000))).toThrow(/too long/)
  })

  encodes('yaml', [
    [Buffer.of(1), failure],
    [{ a: Buffer.of(1) }, failure],
    [{ a: new Double(2) }, 'a: 2.0\n'],
    [{ a: NaN }, failure],
    [[2n ** 64n - 1n], '- 18446744073709551615\n'],
    [{ a: 'yes', b: '010', c: '1_000' }, 'a: yes\nb: 010\nc: 1_000\n'],
    ['0x10', '"0x10"\n'],
    ['99999999999999999999', '"99999999999999999999"\n'],
  ])
})

describe('syslog', () => {
  decodes('syslog', [
    ['<192>1 - - - - - - x', { protocol: 'RFC3164', msg: '<192>1 - - - - - - x' }],
    ['<13>plain', { severity: 'notice', facility: 'user', protocol: 'RFC3164', msg: 'plain' }],
    [
      '<13>1 - h - - - [a b="c\\"\\]\\\\"] m',
      {
        severity: 'notice',
        facility: 'user',
        protocol: 'RFC5424',
        protocol_version: 1,
        hostname: 'h',
        structured_data: { a: [{ b: 'c"]\\' }] },
        msg: 'm',
      },
    ],
    [
      '<13>Nov 15 00:00:00 host app[12]: text',
      {
        severity: 'notice',
        facility: 'user',
        protocol: 'RFC3164',
        timestamp: 1_700_006_400_000_000_000n,
        hostname: 'host',
        appname: 'app',
        procid: '12',
        msg: 'text',
      },
    ],
    [
      '<13>Dec 31 23:59:59 host text',
      {
        severity: 'notice',
        facility: 'user',
        protocol: 'RFC3164',
        timestamp: 1_672_531_199_000_000_000n,
        hostname: 'host',
        msg: 'text',
      },
    ],
    // Days and midnights are carried over, and so is a fraction behind 24:00.
    ...[
      ['2022-12-31T24:00:00.5Z', 1_672_531_200_500_000_000n],
      ['2023-02-30T00:00:00.000000001+00:00', 1_677_715_200_000_000_001n],
    ].map(([time, timestamp]): [string, object] => [
      `<13>1 ${time} - - - - - x`,
      { severity: 'notice', facility: 'user', protocol: 'RFC5424', protocol_version: 1, timestamp, msg: 'x' },
    ]),
    ...[
      '2022-12-31T23:59Z',
      '2022-12-31t23:59:59z',
      '2022-12-31T23:59:59.1234567890Z',
      '2022-12-31T23:59:60Z',
    ].map((time): [string, object] => [
      `<13>1 ${time} - - - - - x`,
      { severity: 'notice', facility: 'user', protocol: 'RFC3164', msg: `1 ${time} - - - - - x` },
    ]),
    [
      '<13>1 never - - - - - x',
      { severity: 'notice', facility: 'user', protocol: 'RFC3164', msg: '1 never - - - - - x' },
    ],
  ])
  const message = { severity: 'notice', facility: 'user', protocol: 'RFC5424', protocol_version: 1 }
  encodes('syslog', [
    [message, '<13>1 - - - - - -'],
    [{ ...message, timestamp: 1_500_000_001 }, '<13>1 1970-01-01T00:00:01.500000001+00:00 - - - - -'],
    [{ ...message, hostname: 'two words' }, failure],
    [{ ...message, timestamp: 1.5 }, failure],
    [{ ...message, structured_data: { 'a b': [] } }, failure],
    [{ ...message, structured_data: { a: [5] } }, failure],
    [{ ...message, structured_data: { a: [{ b: ']"' }] } }, '<13>1 - - - - - [a b="\\]\\""]'],
    [{ ...message, protocol: 'RFC3164' }, failure],
    [
      { ...message, protocol: 'RFC3164', timestamp: 0, appname: 'app', procid: '1', msg: 'm' },
      '<13>Jan  1 00:00:00 - app[1]: m',
    ],
  ])
})

describe('avro', () => {
  const schema = {
    type: 'record',
    name: 'p',
    fields: [{ name: 'v', type: ['null', 'int', 'double', 'string'] }],
  }
  const avro = (config: unknown) => ({ name: 'avro', config })
  const written = (value: Writable, config: unknown = { schema }) =>
    createCodec(avro(config)).encode(value, meta)

  it.each([[undefined], [null], [{}], [{ schema: 'no such type' }], [{ schema, compression: 'zip' }]])(
    'refuses config %j',
    (config) => {
      expect(() => createCodec(avro(config))).toThrow(DefinitionError)
    },
  )

  it('takes the first branch of a union that fits', () => {
    for (const value of [null, 5, 5.5, 2 ** 40, 'x']) {
      deepStrictEqual(decode(avro({ schema }), written({ v: value })), bare({ v: value }))
    }
    expect(() => written({ v: true })).toThrow(CodecError)
    expect(() => written({ v: 2n ** 63n - 1n })).toThrow(CodecError)
    expect(() => written({})).toThrow(/missing/)
    expect(() => written(5)).toThrow(CodecError)
  })

  it('fails for a file with another schema instead of adapting it', () => {
    const other = { ...schema, fields: [{ name: 'w', type: 'int' }] }
    expect(() => decode(avro({ schema }), written({ w: 1 }, { schema: other }))).toThrow(
      /not the configured one/,
    )
    const documented = {
      ...schema,
      doc: 'more words',
      fields: schema.fields.map((one) => ({ ...one, doc: 'v' })),
    }
    expect(decode(avro({ schema: documented }), written({ v: 1 }))).toEqual({ v: 1 })
  })

  it('takes a schema that says the same in other words', () => {
    const point = { type: 'fixed', name: 'point', size: 2 }
    const short = {
      type: 'record',
      name: 'quotes.all',
      fields: [
        { name: 'list', type: { type: 'array', items: point } },
        { name: 'map', type: { type: 'map', values: 'point' } },
        { name: 'side', type: { type: 'enum', name: 'side', symbols: ['A', 'B'] } },
      ],
    }
    const long = {
      type: 'record',
      name: 'all',
      namespace: 'quotes',
      doc: 'long',
      fields: [
        { name: 'list', type: { type: 'array', items: { ...point, namespace: 'quotes' } } },
        { name: 'map', type: { type: 'map', values: 'quotes.point' }, default: {} },
        { name: 'side', type: { type: 'enum', name: 'quotes.side', symbols: ['A', 'B'], doc: 'x' } },
      ],
    }
    const value = { list: [Buffer.from('ab')], map: { k: Buffer.from('cd') }, side: 'B' }
    deepStrictEqual(decode(avro({ schema: long }), written(value, { schema: short })), bare(value))
    const other = { ...long, namespace: 'elsewhere' }
    expect(() => decode(avro({ schema: other }), written(value, { schema: short }))).toThrow(CodecError)
  })

  it('fails for a file whose schema is none, or lies too deep', () => {
    const file = written({ v: 1 })
    const schemaOf = (text: string) => {
      const name = Buffer.from('avro.schema')
      const length = Buffer.of(((text.length * 2) & 0x7f) | 0x80, (text.length * 2) >> 7)
      return Buffer.concat([
        Buffer.from('Obj\u0001'),
        Buffer.of(2, name.length * 2),
        name,
        length,
        Buffer.from(text),
      ])
    }
    for (const text of [
      '{}',
      '5',
      '[',
      '{"type":"record","name":"p"}',
      '['.repeat(1000),
      '{"type":'.repeat(200),
    ]) {
      expect(() => decode(avro({ schema }), Buffer.concat([schemaOf(text), file.subarray(-40)]))).toThrow(
        CodecError,
      )
    }
  })

  it('does not believe the counts of a block', () => {
    const list = { type: 'array', items: 'null' }
    const good = written([], { schema: list })
    const sync = good.subarray(-16)
    const bomb = Buffer.concat([good.subarray(0, -18), Buffer.from('14feffffffffffffffff01', 'hex'), sync])
    expect(decode(avro({ schema: list }), good)).toEqual([])
    expect(() => decode(avro({ schema: list }), bomb)).toThrow(/too many/)
  })

  it('fails where a packed block becomes too long', () => {
    const config = { schema: 'bytes', compression: 'deflate' }
    const file = written(Buffer.alloc(2000), config)
    expect(decode(avro(config), file)).toHaveLength(2000)
    expect(() => decode(avro(config), file, { ...defaultLimits, maxDecompressedBytes: 1000 })).toThrow(
      /too long/,
    )
  })
})
