import fc from 'fast-check'
import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { decisionKeyOf } from '../../src/adapter/decision-key'

const parser = fastify().getDefaultJsonParser('error', 'error')

/** What the server's parser makes of a body; undefined where it refuses it. */
const parsed = (body: string): unknown => {
  let value: unknown
  void parser({} as never, body, (_error, made) => void (value = made))
  return value
}

const keys = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('data', 'endpoint', 'id', 'meta', 'jobRunID', 'responseURL', '') },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'Data', 'da"ta', 'd\\ata', '\u00e4') },
  { weight: 1, arbitrary: fc.string() },
)
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map((members) => new Map(members as never)),
  ),
}))
const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r', '\u00a0', '\ufeff')

/** Text of JSON, with members that are there twice, spaces, and escapes where there could be none. */
const textOf = (value: unknown, gap: string, escape: boolean): string => {
  if (value instanceof Map)
    return `{${[...value].map(([key, of]) => `${gap}${quoted(String(key), escape)}${gap}:${gap}${textOf(of, gap, escape)}`).join(`${gap},`)}${gap}}`
  if (Array.isArray(value))
    return `[${gap}${value.map((one) => textOf(one, gap, escape)).join(`${gap},${gap}`)}${gap}]`
  return typeof value === 'string' ? quoted(value, escape) : JSON.stringify(value)
}
const quoted = (text: string, escape: boolean): string =>
  escape
    ? `"${[...text].map((char) => `\\u${(char.codePointAt(0)! % 65_536).toString(16).padStart(4, '0')}`).join('')}"`
    : JSON.stringify(text)

const members = fc.array(fc.tuple(keys, values, fc.boolean()), { maxLength: 5 })
const bodies = fc.tuple(members, space).map(([list, gap]) => {
  const inner = list.map(
    ([key, value, escape]) => `${quoted(key, escape)}${gap}:${textOf(value, gap, escape)}`,
  )
  return `${gap}{${inner.join(`,${gap}`)}}${gap}`
})
const broken = fc
  .tuple(
    bodies,
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('"', '{', '}', ',', ':', '0', '\\', '-', 'e', '\u0001', ''),
  )
  .map(([body, at, cut, put]) => {
    const where = at % (body.length + 1)
    return body.slice(0, where) + put + body.slice(where + cut)
  })

describe('what decides a request', () => {
  it('is had from no text but a JSON object, and names its last endpoint and data', () => {
    fc.assert(
      fc.property(fc.oneof(bodies, broken, fc.string(), fc.json()), (body) => {
        const key = decisionKeyOf(body)
        if (key === undefined) return
        const value = parsed(body) as { endpoint?: unknown; data?: unknown }
        expect(value).toBeTypeOf('object')
        expect(partsOf(key, 'endpoint' in value)).toEqual([value.endpoint, value.data])
      }),
      { numRuns: 5_000 },
    )
  })

  it('is had from every body of a node', () => {
    const plain = fc.string({ unit: fc.constantFrom(...'abcXYZ019 -_/ä€"\\\n') })
    const body = fc.record(
      {
        data: fc.dictionary(
          plain.filter((key) => !/["\\\n]/.test(key)),
          plain,
          { noNullPrototype: true },
        ),
        endpoint: plain,
        id: plain,
        meta: fc.record({ latestAnswer: fc.double({ noNaN: true }), updatedAt: fc.nat() }),
        jobRunID: fc.oneof(plain, fc.nat()),
      },
      { requiredKeys: ['data'] },
    )
    fc.assert(
      fc.property(body, (value) => {
        expect(decisionKeyOf(JSON.stringify(value))).toBeDefined()
      }),
    )
  })

  it('is the same of a body that lies in a longer text, wherever that begins and ends', () => {
    const texts = fc.array(fc.oneof(bodies, broken, fc.constantFrom('POST / HTTP/1.1\r\n\r\n', '\r\n')), {
      maxLength: 3,
    })
    const places = fc.tuple(texts, fc.nat(), fc.nat(), fc.boolean()).map(([pieces, one, other, isWhole]) => {
      const text = pieces.join('')
      const bodyAt = isWhole ? (pieces[0]?.length ?? 0) : one % (text.length + 1)
      const bodyLength = isWhole ? (pieces[1]?.length ?? 0) : other % (text.length - bodyAt + 1)
      return { text, bodyAt, bodyEnd: bodyAt + bodyLength }
    })
    fc.assert(
      fc.property(places, ({ text, bodyAt, bodyEnd }) => {
        expect(decisionKeyOf(text, bodyAt, bodyEnd)).toBe(decisionKeyOf(text.slice(bodyAt, bodyEnd)))
      }),
      { numRuns: 5_000 },
    )
  })

  it('is the same whatever else a body says, and another where it matters', () => {
    const key = decisionKeyOf('{"data":{"base":"ETH"}}')
    expect(key).toBe('{"base":"ETH"}')
    expect(decisionKeyOf(' {"id":"1","meta":{"data":5},"data" : {"base":"ETH"} }\n')).toBe(key)
    expect(decisionKeyOf('{"data":1,"data":{"base":"ETH"}}')).toBe(key)
    expect(decisionKeyOf('{"endpoint":"x","data":{"base":"ETH"}}')).toBe('"x"\n{"base":"ETH"}')
    expect(decisionKeyOf('{}')).toBe('')
  })

  it.each([
    '{"\\u0064ata":1}',
    '{"data":{"__proto__":1}}',
    '{"data":{"constructor":{"prototype":1}}}',
    `{"data":${'['.repeat(40)}${']'.repeat(40)}}`,
  ])('is left to the parser: %s', (body) => expect(decisionKeyOf(body)).toBeUndefined())
})

/** The endpoint and the data in a key, parsed. */
const partsOf = (key: string, hasEndpoint: boolean): [unknown, unknown] => {
  const value = (text: string): unknown => (text === '' ? undefined : JSON.parse(text))
  if (!hasEndpoint) return [undefined, value(key)]
  // A newline may stand in the spaces of either.
  for (let at = key.indexOf('\n'); at !== -1; at = key.indexOf('\n', at + 1)) {
    try {
      return [JSON.parse(key.slice(0, at)), value(key.slice(at + 1))]
    } catch {
      continue
    }
  }
  throw new Error(`no endpoint in ${key}`)
}
