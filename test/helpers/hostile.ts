import fc from 'fast-check'

/** What a provider should not send: as a text, or as bytes. */
export interface Hostile {
  kind: 'text' | 'binary'
  bytes: Buffer
}

const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'toJSON', '']

const names = fc.oneof(fc.constantFrom(...NAMES, 'base', 'price', 'ticks', 'result'), fc.string())

/** Any JSON, with the keys that used to be dangerous; some of them twice. */
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.double(), fc.string(), fc.boolean(), fc.constant(null)).map((one) => JSON.stringify(one)),
    fc.constantFrom('1e999', '-0', '123456789012345678901234567890', '0.1e-400', '"\\ud800"'),
    fc.array(tie('json'), { maxLength: 4 }).map((ones) => `[${ones.join(',')}]`),
    fc
      .array(fc.tuple(names, tie('json')), { maxLength: 4 })
      .map((members) => members.flatMap(([name, one]) => `${JSON.stringify(name)}:${one}`))
      .chain((members) => fc.constantFrom(members, [...members, ...members]))
      .map((members) => `{${members.join(',')}}`),
  ),
}))

const DEPTH = 20_000
const GIANT = 1_000_000

const extreme = (sample: string) =>
  fc.constantFrom(
    '['.repeat(DEPTH),
    `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`,
    `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`,
    JSON.stringify('x'.repeat(GIANT)),
    `{"${'k'.repeat(GIANT)}":1}`,
    '9'.repeat(100_000),
    sample.replace(/"(\w+)":/, (_, name: string) => `"__proto__":{"${name}":1},"${name}":`),
    sample.replace(
      /"(\w+)":/,
      (_, name: string) => `"constructor":{"prototype":{"x":1}},"${name}":0,"${name}":`,
    ),
    sample.replace(/\d/, `"${'9'.repeat(1_000)}"`),
    '\u0000',
    '\ufeff' + sample,
    '',
  )

const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 }), fc.constantFrom('flip', 'cut', 'double')), {
  minLength: 1,
  maxLength: 4,
})
type Change = typeof changes extends fc.Arbitrary<(infer C)[]> ? C : never

const changed = (bytes: Buffer, [place, bit, kind]: Change): Buffer => {
  if (bytes.length === 0) return bytes
  const at = place % bytes.length
  if (kind === 'cut') return bytes.subarray(0, at)
  if (kind === 'double') return Buffer.concat([bytes, bytes.subarray(at)])
  const flipped = Buffer.from(bytes)
  flipped[at]! ^= 1 << bit
  return flipped
}

/**
 * Things that nobody should send in the place of `sample`: the same with flipped bits, truncated or twice, other JSON, deep nesting, keys of
 * prototypes, repeated keys, bytes that are no UTF-8, giant texts.
 */
export const hostile = (sample: string | Buffer): fc.Arbitrary<Hostile> => {
  const bytes = fc.oneof(
    { weight: 4, arbitrary: changes.map((list) => list.reduce(changed, Buffer.from(sample))) },
    { weight: 3, arbitrary: json.map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }).map((one) => Buffer.from(one)) },
    { weight: 2, arbitrary: extreme(String(sample)).map((text) => Buffer.from(text)) },
  )
  return fc.record({ kind: fc.constantFrom('text', 'binary'), bytes })
}

/** What this process would have ended by, while it is watched. */
export const watchProcess = (): Disposable & { readonly escaped: unknown[] } => {
  const escaped: unknown[] = []
  const note = (error: unknown) => void escaped.push(error)
  process.on('unhandledRejection', note).on('uncaughtException', note)
  return {
    escaped,
    [Symbol.dispose]: () => void process.off('unhandledRejection', note).off('uncaughtException', note),
  }
}
