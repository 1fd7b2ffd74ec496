import fc from 'fast-check'
import { hostile } from '../helpers/hostile'

/** How long `npm run fuzz` tries, in minutes; undefined in the short form, which is part of the tests. */
const MINUTES = process.env['FUZZ_MINUTES']
const SEED = process.env['FUZZ_SEED']
/** Where in the shrinking of a failure to go on: with it a single input is tried again. */
const PATH = process.env['FUZZ_PATH']

const MS_PER_MINUTE = 60_000
const AS_OFTEN_AS_THERE_IS_TIME = 1_000_000_000

/**
 * How often something is tried: a few times in the short form; for a share of the minutes in the long one. A failing input is made as small
 * as it gets, and printed with the seed and the path that `npm run fuzz` takes.
 *
 * @param share - of the minutes, for properties that run one after the other
 */
export const effort = (
  shortRuns: number,
  share = 1,
): Pick<
  fc.Parameters<unknown>,
  'numRuns' | 'seed' | 'path' | 'interruptAfterTimeLimit' | 'markInterruptAsFailure'
> => ({
  ...(SEED !== undefined && { seed: Number(SEED) }),
  ...(PATH !== undefined && { path: PATH }),
  ...(MINUTES === undefined
    ? { numRuns: shortRuns }
    : {
        numRuns: AS_OFTEN_AS_THERE_IS_TIME,
        interruptAfterTimeLimit: Number(MINUTES) * share * MS_PER_MINUTE,
        markInterruptAsFailure: false,
      }),
})

/** Guards against what hangs, and says nothing of speed. */
export const GUARD_MS = MINUTES === undefined ? 60_000 : (Number(MINUTES) + 5) * MS_PER_MINUTE

const MAX_BYTES = 65_536

const splice = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  length: fc.nat({ max: 8 }),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom(
        '"',
        '\\',
        '{',
        '}',
        '[',
        ',',
        ':',
        '-',
        '1e999',
        'null',
        '0',
        '.',
        '\n',
        '\r\n',
        '\u0000',
        '٣',
        '\ud800',
      )
      .map((text) => Buffer.from(text)),
  ),
  kind: fc.constantFrom('replace', 'cut', 'double', 'join'),
})
type Splice = typeof splice extends fc.Arbitrary<infer S> ? S : never

const spliced = (message: Buffer, { at, length, put, kind }: Splice, other: Buffer): Buffer => {
  const from = Math.floor(at * message.length)
  const [before, part, after] = [
    message.subarray(0, from),
    message.subarray(from, from + length),
    message.subarray(from + length),
  ]
  if (kind === 'cut') return before
  if (kind === 'double') return Buffer.concat([before, part, part, after])
  if (kind === 'join') return Buffer.concat([before, other])
  return Buffer.concat([before, put, after])
}

/** Real messages with something wrong in them, things that nobody should send in their place, and now and then the real ones. */
export const mutated = (corpus: readonly (string | Buffer)[]): fc.Arbitrary<Buffer> => {
  const good = corpus.map((one) => Buffer.from(one))
  const one = fc.constantFrom(...good)
  const changed = fc
    .tuple(one, one, fc.array(splice, { minLength: 1, maxLength: 5 }))
    .map(([message, other, changes]) =>
      changes.reduce<Buffer>((of, change) => spliced(of, change, other), message),
    )
  return fc
    .oneof(
      { weight: 1, arbitrary: one },
      { weight: 8, arbitrary: changed },
      { weight: 2, arbitrary: one.chain((message) => hostile(message)).map(({ bytes }) => bytes) },
    )
    .map((bytes) => bytes.subarray(0, MAX_BYTES))
}
