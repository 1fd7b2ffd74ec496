import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromWorker, fromWriter } from '../../../src/service/workers/messages'

const name = { adapter: 'ACME', endpoint: 'price', transport: 'ws', params: { base: 'ETH' } }
const wanted = { ...name, key: 'k', ttlMs: 1_000 }

describe('what a worker says', () => {
  it.each([
    { type: 'wanted', feeds: [] },
    { type: 'wanted', feeds: [wanted, wanted] },
    { type: 'why', id: 0, feed: name },
  ])('is taken: %j', (message) => {
    expect(fromWorker(message)).toBe(message)
  })

  it.each([
    undefined,
    null,
    'wanted',
    [],
    {},
    { type: 'entries', adapter: 'ACME', entries: [] },
    { type: 'wanted' },
    { type: 'wanted', feeds: {} },
    ...Object.keys(wanted).map((field) => ({
      type: 'wanted',
      feeds: [wanted, { ...wanted, [field]: null }],
    })),
    ...[0, -1, NaN, Infinity, '5'].map((ttlMs) => ({ type: 'wanted', feeds: [{ ...wanted, ttlMs }] })),
    { type: 'wanted', feeds: [{ ...wanted, params: ['ETH'] }] },
    { type: 'why', feed: name },
    { type: 'why', id: 1 },
    ...Object.keys(name).map((field) => ({ type: 'why', id: 1, feed: { ...name, [field]: 1 } })),
  ])('IS-2: is refused: %j', (message) => {
    expect(fromWorker(message)).toBeUndefined()
  })
})

describe('what a writer says', () => {
  it.each([
    { type: 'hello', session: 's' },
    {
      type: 'entries',
      adapter: 'ACME',
      entries: [
        ['k', 1, 2, '{}'],
        ['l', 0, 0, undefined],
      ],
    },
    { type: 'synchronised' },
    { type: 'reason', id: 3, reason: undefined },
    { type: 'reason', id: 3, reason: { code: 'C' } },
  ])('is taken: %j', (message) => {
    expect(fromWriter(message)).toBe(message)
  })

  it.each([
    undefined,
    { type: 'wanted', feeds: [] },
    { type: 'hello' },
    { type: 'entries', entries: [] },
    { type: 'entries', adapter: 'ACME' },
    ...[
      ['k', 1, 2],
      ['k', 1, 2, 3],
      ['k', NaN, 2, '{}'],
      ['k', 1, NaN, '{}'],
      [1, 1, 2, '{}'],
      'k',
      null,
    ].map((entry) => ({
      type: 'entries',
      adapter: 'ACME',
      entries: [entry],
    })),
    { type: 'reason', id: '3' },
    { type: 'reason', id: 3, reason: 'C' },
  ])('IS-2: is refused: %j', (message) => {
    expect(fromWriter(message)).toBeUndefined()
  })
})

it('IS-2: no message makes either end throw', () => {
  fc.assert(
    fc.property(fc.anything(), (message) => {
      fromWriter(message)
      fromWorker(message)
    }),
  )
})
