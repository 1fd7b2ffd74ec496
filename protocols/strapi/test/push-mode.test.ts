import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TransferError } from '../errors'
import { boundAttributes, isPushable, optionsOf, type PushMode, type RowMatch } from '../push/mode'
import { frameOf, readTrace } from './push-peer'

const TYPE = 'api::price.price'

const recordedInit = (trace: string) =>
  frameOf(readTrace(trace).find(({ dir, frame }) => dir === 'c2s' && frame?.includes('"command":"init"'))!)
    .params!

const refusal = (mode: unknown): TransferError => {
  try {
    optionsOf(mode as PushMode)
  } catch (error) {
    return error as TransferError
  }
  throw new Error('not refused')
}

describe('the mode of a push', () => {
  it('asks to delete nothing when it appends', () => {
    expect(optionsOf({ kind: 'append' })).toEqual({
      strategy: 'restore',
      restore: {
        assets: false,
        entities: { include: [] },
        configuration: { coreStore: false, webhook: false },
      },
    })
  })

  it('asks for the rows that match exactly as the recorded client did', () => {
    const mode: PushMode = {
      kind: 'replace-matching',
      type: TYPE,
      matches: [{ base: 'BTC', quote: ['USD', 'EUR'] }],
    }
    expect(optionsOf(mode)).toEqual(recordedInit('push-replace-matching-trace').options)
  })

  it('puts several alternatives into one filter', () => {
    const matches: RowMatch[] = [{ base: 'BTC' }, { base: 'ETH', quote: 'USD' }]
    expect(optionsOf({ kind: 'replace-matching', type: TYPE, matches }).restore.entities.params).toEqual({
      where: { $or: [{ base: 'BTC' }, { base: 'ETH', quote: 'USD' }] },
    })
  })

  it.each([
    ['an unknown mode', { kind: 'replace' }],
    ['no types', { kind: 'replace-types', types: [] }],
    ['the users', { kind: 'replace-types', types: [TYPE, 'admin::user'] }],
    ['the media library', { kind: 'replace-types', types: ['plugin::upload.file'] }],
    ['a component', { kind: 'replace-types', types: ['feed.bounds'] }],
    ['a pattern', { kind: 'replace-types', types: ['api::*'] }],
    ['an internal model', { kind: 'replace-matching', type: 'strapi::core-store', matches: [{ key: 'x' }] }],
    ['no alternatives', { kind: 'replace-matching', type: TYPE, matches: [] }],
    ['an empty alternative', { kind: 'replace-matching', type: TYPE, matches: [{ base: 'BTC' }, {}] }],
    ['an undefined value', { kind: 'replace-matching', type: TYPE, matches: [{ base: undefined }] }],
    ['a null value', { kind: 'replace-matching', type: TYPE, matches: [{ base: null }] }],
    ['no values', { kind: 'replace-matching', type: TYPE, matches: [{ base: [] }] }],
    ['an operator as a value', { kind: 'replace-matching', type: TYPE, matches: [{ base: { $ne: 'x' } }] }],
    ['an operator as an attribute', { kind: 'replace-matching', type: TYPE, matches: [{ $not: 'x' }] }],
    ['a number that JSON cannot hold', { kind: 'replace-matching', type: TYPE, matches: [{ value: NaN }] }],
    ['a row id', { kind: 'replace-matching', type: TYPE, matches: [{ id: 1 }] }],
    [
      'more alternatives than a database takes',
      {
        kind: 'replace-matching',
        type: TYPE,
        matches: Array.from({ length: 401 }, (_, n) => ({ base: `B${n}` })),
      },
    ],
  ])('refuses to delete by %s', (_name, mode) => {
    expect(refusal(mode)).toMatchObject({ reason: 'mode-unsafe', kind: 'configuration' })
  })

  it('never leaves out what Strapi would take for "all", whatever it is given', () => {
    const anything = fc.record({
      kind: fc.oneof(fc.constantFrom('append', 'replace-types', 'replace-matching'), fc.string()),
      types: fc.array(fc.oneof(fc.constantFrom(TYPE, 'api::venue.venue', 'admin::user', ''), fc.string())),
      type: fc.oneof(fc.constantFrom(TYPE, 'admin::role'), fc.string()),
      matches: fc.array(fc.dictionary(fc.string({ maxLength: 5 }), fc.anything(), { maxKeys: 3 }), {
        maxLength: 4,
      }),
    })
    fc.assert(
      fc.property(anything, (given) => {
        let options
        try {
          options = optionsOf(given as unknown as PushMode)
        } catch (error) {
          expect(error).toBeInstanceOf(TransferError)
          return
        }
        const { restore } = JSON.parse(JSON.stringify(options)) as typeof options
        expect(restore.assets).toBe(false)
        expect(restore.configuration).toEqual({ coreStore: false, webhook: false })
        expect(restore.entities.include).toBeInstanceOf(Array)
        expect(restore.entities.include.every(isPushable)).toBe(true)
        if (given.kind !== 'replace-matching') return
        const where = restore.entities.params?.where as { $or?: object[] }
        for (const one of where.$or ?? [where]) expect(Object.keys(one)).not.toHaveLength(0)
      }),
    )
  })

  it('knows which attributes all of its alternatives name', () => {
    const mode: PushMode = { kind: 'replace-matching', type: TYPE, matches: [{ a: 1, b: 1 }, { b: 2 }] }
    expect([...boundAttributes(mode, TYPE)]).toEqual(['b'])
    expect([...boundAttributes(mode, 'api::venue.venue')]).toEqual([])
  })
})
