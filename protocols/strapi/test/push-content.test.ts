import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TransferError } from '../errors'
import { inBatches } from '../push/batches'
import { encodeLinks, encodeRows, newDocumentId, type PushContent, type PushRow } from '../push/content'
import { checkContent } from '../push/content-check'
import { type PushMode } from '../push/mode'
import { readSchemas } from '../push/schemas'
import { checkVersion } from '../push/server-version'
import { recordedSchemas } from './push-peer'

const schemas = readSchemas(recordedSchemas())
const PRICE = 'api::price.price'
const VENUE = 'api::venue.venue'
const RATE = 'api::asset-rate.asset-rate'

const APPEND: PushMode = { kind: 'append' }
const REPLACE: PushMode = { kind: 'replace-types', types: [PRICE, VENUE, RATE] }

const price = (attributes: Record<string, unknown> = {}): PushRow => ({
  type: PRICE,
  attributes: { base: 'BTC', quote: 'USD', value: '65000.5', ...attributes },
})
const venue = (name: unknown = 'alpha'): PushRow => ({ type: VENUE, attributes: { name } })

const problemOf = (content: PushContent, mode: PushMode = REPLACE): TransferError | undefined => {
  try {
    checkContent(content, mode, schemas)
    return undefined
  } catch (error) {
    return error as TransferError
  }
}

describe('the check of what is pushed', () => {
  it('lets whole rows pass', () => {
    const row = price({
      value: 1.5,
      observedAt: '2025-06-01T00:00:00.000Z',
      volume: '9223372036854775807',
      tags: [{ a: 1 }],
      halted: false,
      bounds: { min: '0.5', max: null },
    })
    expect(problemOf({ rows: [row, price()] }, APPEND)).toBeUndefined()
  })

  it.each([
    [
      'a number that is none',
      { value: 'not-a-number' },
      '"value" must be a finite number or a numeric string',
    ],
    ['an endless number', { value: Infinity }, '"value" must be'],
    ['a number that overflows', { value: '1e999' }, '"value" must be'],
    ['an empty string for a number', { value: '' }, '"value" must be'],
    ['a missing required attribute', { value: undefined }, '"value"'],
    ['a required attribute of null', { base: null }, '"base" is required'],
    ['a number for a string', { base: 1 }, '"base" must be a string'],
    ['a string longer than its column', { base: 'x'.repeat(256) }, '"base" must be a string of at most 255'],
    [
      'a time without milliseconds',
      { observedAt: '2025-06-01T00:00:00Z' },
      '"observedAt" must be an ISO 8601 time',
    ],
    ['a day that there is not', { observedAt: '2025-02-30T00:00:00.000Z' }, '"observedAt" must be'],
    ['more than 64 bits', { volume: '9223372036854775808' }, '"volume" must be a whole number of 64 bits'],
    ['a biginteger that a double cannot hold', { volume: 2 ** 53 }, '"volume" must be'],
    ['a string for a boolean', { halted: 'false' }, '"halted" must be true or false'],
    ['JSON that is none', { tags: () => 1 }, '"tags" must be something that JSON can hold'],
    ['an unknown attribute', { ghost: 1 }, 'there is no attribute "ghost"'],
    ['a relation among the attributes', { venue: 1 }, '"venue" is of type relation, which is not written'],
    ['an array for one component', { bounds: [{ min: 1 }] }, '"bounds" must be one object'],
    ['a string for a component', { bounds: 'x' }, '"bounds" must be an object'],
    ['an unknown member of a component', { bounds: { mid: 1 } }, 'there is no attribute "bounds.mid"'],
    ['a wrong member of a component', { bounds: { min: 'x' } }, '"bounds.min" must be a finite number'],
    ['a time of ours', { publishedAt: '2025-06-01T00:00:00.000Z' }, '"publishedAt" is filled in by the push'],
    ['an identity of ours', { documentId: 'x' }, '"documentId" is filled in by the push'],
  ])('refuses %s', (_name, attributes, message) => {
    const problem = problemOf({ rows: [price(attributes)] })
    expect(problem).toMatchObject({ reason: 'rows-invalid', kind: 'data' })
    expect(problem?.message).toContain(message)
  })

  it('says nothing of the values themselves', () => {
    expect(problemOf({ rows: [price({ value: 'the-secret' })] })?.message).not.toContain('the-secret')
  })

  it('names some of many problems and counts the rest', () => {
    const rows = Array.from({ length: 50 }, () => price({ value: 'x' }))
    expect(problemOf({ rows })?.message).toMatch(/row 5 .*; and 45 more$/)
  })

  it('refuses two rows with one value of a unique attribute', () => {
    expect(problemOf({ rows: [venue(), venue()] })?.message).toContain(
      '"name" of "api::venue.venue" is unique',
    )
    expect(problemOf({ rows: [venue(), venue('beta')] })).toBeUndefined()
  })

  it('refuses a unique attribute where rows stay that may have its value', () => {
    const matching: PushMode = { kind: 'replace-matching', type: VENUE, matches: [{ name: 'alpha' }] }
    expect(problemOf({ rows: [venue()] }, APPEND)).toMatchObject({ reason: 'schema-mismatch' })
    expect(problemOf({ rows: [venue()] }, matching)).toBeUndefined()
  })

  it.each([
    ['nothing at all', { rows: [] }, APPEND, 'rows-invalid'],
    [
      'more rows than a push may have',
      { rows: Array.from({ length: 10_001 }, () => price()) },
      APPEND,
      'rows-invalid',
    ],
    [
      'a type that the server does not have',
      { rows: [{ type: 'api::ghost.ghost', attributes: {} }] },
      APPEND,
      'schema-mismatch',
    ],
    [
      'a type of the admin panel',
      { rows: [{ type: 'admin::user', attributes: {} }] },
      APPEND,
      'schema-mismatch',
    ],
    ['a component as a type', { rows: [{ type: 'feed.bounds', attributes: {} }] }, APPEND, 'schema-mismatch'],
    [
      'deleting from a type that the server does not have',
      { rows: [price()] },
      { kind: 'replace-types', types: ['api::ghost.ghost'] },
      'schema-mismatch',
    ],
    [
      'matching by an attribute that the type does not have',
      { rows: [price()] },
      { kind: 'replace-matching', type: PRICE, matches: [{ ghost: 'x' }] },
      'schema-mismatch',
    ],
  ] as [string, PushContent, PushMode, string][])('refuses %s', (_name, content, mode, reason) => {
    expect(problemOf(content, mode)).toMatchObject({ reason })
  })

  it('lets links through between rows of the push alone, from the owning side', () => {
    const [from, to] = [price(), venue()]
    const links = (...given: object[]) => ({ rows: [from, to], links: given }) as PushContent
    expect(problemOf(links({ from, field: 'venue', to }))).toBeUndefined()
    expect(problemOf(links({ from, field: 'venue', to: venue() }))?.message).toContain('not in this push')
    expect(problemOf(links({ from, field: 'value', to }))?.message).toContain('no relation')
    expect(problemOf(links({ from, field: 'venue', to: from }))?.message).toContain('no relation')
    expect(problemOf(links({ from: to, field: 'prices', to: from }))?.message).toContain('the other side')
  })
})

describe('rows on the wire', () => {
  it('get what Strapi would fill in itself', () => {
    const now = Date.UTC(2026, 0, 2)
    const { entities, documentIds } = encodeRows([price()], schemas, now)
    const [{ type, id, data } = { type: '', id: 0, data: {} }] = entities
    const iso = '2026-01-02T00:00:00.000Z'
    expect({ type, id }).toEqual({ type: PRICE, id: 1 })
    expect(data).toMatchObject({
      createdAt: iso,
      updatedAt: iso,
      publishedAt: iso,
      locale: null,
      value: '65000.5',
    })
    expect(data.documentId).toMatch(/^[a-z][a-z0-9]{23}$/)
    expect(documentIds).toEqual([{ type: PRICE, documentId: data.documentId }])
  })

  it('have a draft and a published row where the type has drafts', () => {
    const row: PushRow = { type: RATE, attributes: { symbol: 'USDC', rate: 1 } }
    const { entities, idOf } = encodeRows([row], schemas, 0)
    expect(entities.map(({ id, data }) => [id, data.publishedAt])).toEqual([
      [1, null],
      [2, '1970-01-01T00:00:00.000Z'],
    ])
    expect(new Set(entities.map(({ data }) => data.documentId)).size).toBe(1)
    expect(idOf.get(row)).toBe(2)
  })

  it('have ids that are unique for each type, and components too', () => {
    const rows = [price({ bounds: { min: 1 } }), venue(), price({ bounds: { min: 2 } })]
    const { entities } = encodeRows(rows, schemas, 0)
    expect(entities.map(({ type, id }) => [type, id])).toEqual([
      [PRICE, 1],
      [VENUE, 1],
      [PRICE, 2],
    ])
    expect(entities.map(({ data }) => data.bounds)).toEqual([{ id: 1, min: 1 }, undefined, { id: 2, min: 2 }])
  })

  it('are linked by those ids, in order', () => {
    const [one, two, to] = [price(), price(), venue()]
    const encoded = encodeRows([to, one, two], schemas, 0)
    const links = encodeLinks(
      [one, two].map((from) => ({ from, field: 'venue', to })),
      encoded,
      schemas,
    )
    expect(links).toEqual(
      [1, 2].map((place) => ({
        kind: 'relation.basic',
        relation: 'manyToOne',
        left: { type: PRICE, field: 'venue', ref: place },
        right: { type: VENUE, field: 'prices', ref: 1, pos: place },
      })),
    )
  })

  it('never have the identity of another', () => {
    const ids = Array.from({ length: 2_000 }, newDocumentId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z][a-z0-9]{23}$/)
  })
})

describe('batches', () => {
  it('hold every item once and in order, within both limits unless one item alone is too large', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string()),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (items, most, bytes) => {
          const batches = inBatches(items, most, bytes)
          expect(batches.flat()).toEqual(items)
          for (const batch of batches) {
            expect(batch.length).toBeLessThanOrEqual(most)
            const size = batch.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0)
            expect(size <= bytes || batch.length === 1).toBe(true)
          }
        },
      ),
    )
  })

  it('refuse an item that is a mistake', () => {
    expect(() => inBatches(['x'.repeat(5_000_000)])).toThrow('a row of more than 4 MiB')
  })
})

describe('the version of the server', () => {
  it.each(['5.53.0', '5.54.0', '5.120.1'])('may be %s', (version) => {
    expect(() => checkVersion(version)).not.toThrow()
  })

  it.each(['5.52.9', '5.42.1', '4.99.0', '6.0.0', 'unknown', '', undefined])('may not be %s', (version) => {
    expect(() => checkVersion(version)).toThrow('Only Strapi 5.53 or later of 5.x is pushed to')
  })
})

describe('schemas of a server', () => {
  it('may be anything, and make at most a type unusable', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(PRICE, VENUE), fc.anything({ maxDepth: 2, maxKeys: 3 })),
        (given) => {
          const read = readSchemas(given)
          try {
            checkContent({ rows: [price()] }, APPEND, read)
          } catch (error) {
            expect(error).toMatchObject({ name: 'TransferError' })
          }
        },
      ),
      { numRuns: 10_000 },
    )
  })

  it.each([null, [], 'x', 1])('are refused when they are %j', (given) => {
    expect(() => readSchemas(given)).toThrow('gave no schemas')
  })
})
