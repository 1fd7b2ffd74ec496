import { createHash, type Hash } from 'node:crypto'
import { beginningOf } from '../../src/util/redaction'
import { TransferError } from './errors'

/** One asset comes as `start`, chunks, `end`; what was read is whole only at its `end`. */
export type AssetEvent =
  | {
      is: 'start'
      id: string
      /** The name that the server gives it. It may be anything that somebody uploaded: never use it as a path. */
      filename: string
      /** In bytes, where the server says so. */
      size: number | undefined
      /** Row id of the file in `plugin::upload.file`, within this transfer. */
      fileId: number | undefined
    }
  | { is: 'chunk'; id: string; data: Buffer }
  | { is: 'end'; id: string }

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
/** Assets do not overlap (spec 8.6); this many are more than any server has open. */
const MAX_OPEN = 16
const MAX_NAME = 300

type Json = Record<string, unknown>

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {}

const broken = (problem: string): TransferError =>
  new TransferError('asset-broken', `An asset is not whole: ${problem}`)

const isByte = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255

/** The three forms of a chunk: base64 text that says so, base64 text of older servers, and the bytes one by one (spec 15). */
const bytesOf = ({ encoding, data }: Json): Buffer => {
  if (typeof data === 'string') {
    if (encoding !== undefined && encoding !== 'base64') throw broken('a chunk has an unknown encoding')
    if (data.length % 4 !== 0 || !BASE64.test(data)) throw broken('a chunk is not base64')
    return Buffer.from(data, 'base64')
  }
  const { type, data: bytes } = objectOf(data)
  if (type !== 'Buffer' || !Array.isArray(bytes) || !bytes.every(isByte))
    throw broken('a chunk is of no known form')
  return Buffer.from(bytes as number[])
}

/** Follows the records of the stage `assets` and checks what the server says of them (spec 8.6). */
export class AssetRecords {
  private readonly open = new Map<string, Hash>()

  /** @param checksums - whether each asset must carry a SHA-256 */
  constructor(private readonly checksums: boolean) {}

  /**
   * @param items - of one batch: lists of records, one nesting level more than in a push
   * @throws TransferError `asset-broken`
   */
  accept(items: readonly unknown[]): AssetEvent[] {
    return items.flatMap((item) => {
      if (!Array.isArray(item)) throw broken('a batch is not a list of records')
      return item.map((record: unknown) => this.record(objectOf(record)))
    })
  }

  /** @throws TransferError `asset-broken` when one has begun and not ended */
  finish(): void {
    if (this.open.size > 0) throw broken('the stage ended in the middle of one')
  }

  private record(record: Json): AssetEvent {
    const { action, assetID: id } = record
    if (typeof id !== 'string' || id === '') throw broken('a record has no ID')
    if (action === 'start') return this.start(id, objectOf(record.data))
    const hash = this.open.get(id)
    if (hash === undefined) throw broken('it goes on without having begun')
    if (action === 'stream') {
      const data = bytesOf(record)
      hash.update(data)
      return { is: 'chunk', id, data }
    }
    if (action !== 'end') throw broken('a record has an unknown action')
    this.open.delete(id)
    this.check(hash, record.checksum)
    return { is: 'end', id }
  }

  private start(id: string, { filename, stats, metadata }: Json): AssetEvent {
    if (this.open.has(id)) throw broken('it begins twice')
    if (this.open.size >= MAX_OPEN) throw broken('too many begin before one ends')
    this.open.set(id, createHash('sha256'))
    const { size } = objectOf(stats)
    const { id: fileId } = objectOf(metadata)
    return {
      is: 'start',
      id,
      filename: typeof filename === 'string' ? beginningOf(filename, MAX_NAME, '') : '',
      size: typeof size === 'number' ? size : undefined,
      fileId: typeof fileId === 'number' ? fileId : undefined,
    }
  }

  private check(hash: Hash, checksum: unknown): void {
    if (!this.checksums) return
    const { algorithm, value } = objectOf(checksum)
    if (checksum === undefined || checksum === null) throw broken('the checksum is missing')
    if (algorithm !== 'sha256') throw broken('the checksum is of another algorithm')
    if (value !== hash.digest('hex')) throw broken('the checksum is another one')
  }
}
