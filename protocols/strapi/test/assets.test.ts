import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AssetRecords } from '../assets'
import { AllowedTypes } from '../content-types'
import { TransferError } from '../errors'
import { linksIn, settingsIn } from '../links'
import { frameOf, readTrace } from './push-peer'

const bytes = Buffer.from('some bytes')
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

const start = {
  action: 'start',
  assetID: 'a',
  data: { filename: 'x.txt', filepath: '/srv/x', stats: { size: 10 }, metadata: { id: 3 } },
}
const chunk = { action: 'stream', assetID: 'a', encoding: 'base64', data: bytes.toString('base64') }
const end = { action: 'end', assetID: 'a', checksum: { algorithm: 'sha256', value: sha256(bytes) } }

describe('the records of assets', () => {
  it('are lists within a batch', () => {
    const records = new AssetRecords(true)
    expect(records.accept([[start, chunk], [end]])).toEqual([
      { is: 'start', id: 'a', filename: 'x.txt', size: 10, fileId: 3 },
      { is: 'chunk', id: 'a', data: bytes },
      { is: 'end', id: 'a' },
    ])
    records.finish()
    expect(() => new AssetRecords(true).accept([start])).toThrow(/not a list/)
  })

  it.each([
    ['base64 that says so', {}],
    ['base64 of older servers', { encoding: undefined }],
    ['the bytes one by one', { encoding: undefined, data: { type: 'Buffer', data: [...bytes] } }],
  ])('have chunks as %s', (_form, change) => {
    expect(new AssetRecords(true).accept([[start, { ...chunk, ...change }, end]])).toHaveLength(3)
  })

  it('may be of no length, and without checksums where none were asked for', () => {
    const { checksum, ...bare } = end
    expect(new AssetRecords(false).accept([[start, bare]])).toHaveLength(2)
    expect(
      new AssetRecords(true).accept([
        [start, { ...end, checksum: { ...checksum, value: sha256(Buffer.alloc(0)) } }],
      ]),
    ).toHaveLength(2)
    expect(new AssetRecords(false).accept([[start, chunk, { ...end, checksum: 'whatever' }]])).toHaveLength(3)
  })

  it.each<[string, unknown[]]>([
    ['begins twice', [start, start]],
    ['without having begun', [chunk]],
    ['without having begun', [end]],
    ['checksum is missing', [start, chunk, { ...end, checksum: undefined }]],
    [
      'checksum is of another algorithm',
      [start, chunk, { ...end, checksum: { algorithm: 'md5', value: 'x' } }],
    ],
    ['checksum is another one', [start, chunk, chunk, end]],
    ['unknown action', [start, { action: 'frob', assetID: 'a' }]],
    ['no ID', [{ action: 'start' }]],
    ['unknown encoding', [start, { ...chunk, encoding: 'hex' }]],
    ['not base64', [start, { ...chunk, data: 'a*==' }]],
    ['not base64', [start, { ...chunk, data: 'abc' }]],
    ['no known form', [start, { ...chunk, data: { type: 'Buffer', data: [256] } }]],
    ['no known form', [start, { ...chunk, data: null }]],
    ['too many', Array.from({ length: 17 }, (_, n) => ({ ...start, assetID: String(n) }))],
  ])('fail when one %s', (problem, list) => {
    expect(() => new AssetRecords(true).accept([list])).toThrow(problem)
  })

  it('fail when the stage ends in the middle of one', () => {
    const records = new AssetRecords(true)
    records.accept([[start]])
    expect(() => records.finish()).toThrow(TransferError)
  })

  it('end with a name of ours, whatever comes: ten thousand batches', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), fc.anything(), (any, other) => {
        const records = new AssetRecords(true)
        try {
          records.accept([[start, any, { ...chunk, data: other }, any]])
        } catch (error) {
          expect(error).toBeInstanceOf(TransferError)
        }
      }),
      { numRuns: 10_000 },
    )
  })
})

describe('links and settings', () => {
  const types = new AllowedTypes(['api::price.price', 'api::venue.venue'])

  it('are kept where both ends are allowed, of whatever kind', () => {
    const link = {
      kind: 'relation.new',
      relation: 'manyToOne',
      extra: 1,
      left: { type: 'api::price.price', ref: 1, field: 'venue', pos: 2 },
      right: { type: 'api::venue.venue', ref: 'doc' },
    }
    expect(
      linksIn(
        [link, { ...link, right: { type: 'admin::user', ref: 1 } }, { ...link, left: null }, null, 7],
        types,
      ),
    ).toEqual([
      {
        kind: 'relation.new',
        relation: 'manyToOne',
        left: { type: 'api::price.price', ref: 1, field: 'venue', pos: 2 },
        right: { type: 'api::venue.venue', ref: 'doc', field: undefined, pos: undefined },
      },
    ])
  })

  it('reads the recorded links of prices to venues', () => {
    const batch = readTrace('pull-trace').find(({ frame }) => frame?.includes('"kind":"relation.morph"'))
    const { data } = frameOf(batch!).data as { data: unknown[] }
    expect(data).toHaveLength(370)
    expect(linksIn(data, types).filter(({ left, right }) => left.type !== right.type)).toHaveLength(50)
  })

  it('are core settings that were asked for, and never webhooks', () => {
    const items = [
      { type: 'core-store', value: { id: 1, key: 'a', value: { b: 1 } } },
      { type: 'core-store', value: { id: 2, key: 'plugin_grant', value: { secret: 'x' } } },
      { type: 'webhook', value: { key: 'a', headers: { Authorization: 'x' } } },
      { type: 'unknown', value: { key: 'a' } },
      null,
    ]
    expect(settingsIn(items, new Set(['a']))).toEqual([{ key: 'a', value: { b: 1 } }])
  })
})
