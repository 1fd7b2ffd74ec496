import { compareTimes, isAhead, type Moment } from '../../src/transports/peer/terms'
import { type Entity } from './content-types'
import { TransferError } from './errors'
import { type ContentTypeMapping, readRow, type Row } from './mapping'
import { type Instant } from '../../src/util/clock'

/** What the author's mapping gives, as far as the snapshot looks at it. */
interface Mapped {
  params: object
  response: object
}

const observedAtOf = ({ response }: Mapped): number =>
  (response as { timestamps?: { providerIndicatedTimeUnixMs?: number } }).timestamps
    ?.providerIndicatedTimeUnixMs ?? 0

/** Results by feed key, from one transfer that was read to its end. */
export interface Snapshot<R> {
  results: ReadonlyMap<string, R>
  /** When the first rows of it arrived: nothing in it is newer. */
  received: Instant
  /** No row of the mapped types was refused: a feed that is not in it has no row. */
  isUnspoiled: boolean
  /** The rows that were refused, by the names of the causes. */
  refused: ReadonlyMap<string, number>
}

export interface SnapshotOptions<R> {
  mappings: readonly ContentTypeMapping<R>[]
  /** Rows of mapped types, drafts included; one more and the transfer has failed. */
  maxRows: number
  keyOf: (result: R) => string
  /** Named cause, and what to show of it: names of types and attributes, row ids, never values. */
  onFault: (reason: string, detail: string, error?: unknown) => void
}

interface Candidate<R> extends Moment {
  result: R
  row: Row
}

/**
 * Gathers rows during a transfer and makes results of them at its end.
 *
 * A row that is read twice (the server pages without a snapshot) counts as it was read last. Of several rows for one feed the one that
 * was observed last is taken; with equal times the one that was changed last, then the one with the higher id. That is told as
 * `duplicate-key`.
 */
export class SnapshotBuilder<R extends Mapped> {
  private readonly mappings: ReadonlyMap<string, ContentTypeMapping<R>>
  private readonly rows = new Map<string, Map<number, Row | undefined>>()
  private count = 0
  private readonly refused = new Map<string, number>()
  private firstRowAt: Instant | undefined

  constructor(private readonly options: SnapshotOptions<R>) {
    this.mappings = new Map(options.mappings.map((mapping) => [mapping.contentType, mapping]))
  }

  /** @throws TransferError `too-many-rows` */
  add(entities: readonly Entity[], received: Instant): void {
    this.firstRowAt ??= received
    for (const { type, id, data } of entities) {
      const mapping = this.mappings.get(type)
      if (mapping === undefined) continue
      const rows = this.rowsOf(type)
      if (!rows.has(id) && ++this.count > this.options.maxRows)
        throw new TransferError(
          'too-many-rows',
          `Strapi has more than ${this.options.maxRows} rows of the mapped types`,
        )
      const reading = readRow(mapping, id, data)
      rows.set(id, reading.is === 'row' ? reading.row : undefined)
      if (reading.is === 'refused') this.refuse(reading.reason, `${type} ${id}: ${reading.detail}`)
    }
  }

  /** Counts a row that is not even one. */
  malformed(type: string): void {
    this.refuse('row-malformed', `${type}: no id or no data`)
  }

  build(now: Instant): Snapshot<R> {
    const chosen = new Map<string, Candidate<R>>()
    for (const [type, rows] of this.rows) {
      for (const row of rows.values()) {
        const candidate = row && this.candidateOf(type, row, now.unixMs)
        if (candidate !== undefined) this.choose(chosen, type, candidate)
      }
    }
    return {
      results: new Map([...chosen].map(([key, { result }]) => [key, result])),
      received: this.firstRowAt ?? now,
      isUnspoiled: this.refused.size === 0,
      refused: new Map(this.refused),
    }
  }

  private rowsOf(type: string): Map<number, Row | undefined> {
    const known = this.rows.get(type)
    if (known !== undefined) return known
    const rows = new Map<number, Row | undefined>()
    this.rows.set(type, rows)
    return rows
  }

  private candidateOf(type: string, row: Row, now: number): Candidate<R> | undefined {
    try {
      const result = this.mappings.get(type)?.map(row)
      if (result === undefined) return undefined
      const timeUnixMs = observedAtOf(result)
      // It would win over an honest row, and then guards would refuse it.
      if (!isAhead(timeUnixMs, now)) return { result, row, timeUnixMs }
      this.refuse('future', `${type} ${row.id}`)
    } catch (error) {
      this.refuse('handler-failed', `${type} ${row.id}`, error)
    }
    return undefined
  }

  private choose(chosen: Map<string, Candidate<R>>, type: string, candidate: Candidate<R>): void {
    let key: string
    try {
      key = this.options.keyOf(candidate.result)
    } catch (error) {
      return this.refuse('handler-failed', `${type} ${candidate.row.id}`, error)
    }
    const rival = chosen.get(key)
    if (rival !== undefined)
      this.options.onFault('duplicate-key', `${type} ${candidate.row.id} and ${rival.row.id} are of one feed`)
    if (rival === undefined || isNewer(candidate, rival)) chosen.set(key, candidate)
  }

  private refuse(reason: string, detail: string, error?: unknown): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
    this.options.onFault(reason, detail, error)
  }
}

const isNewer = <R>(a: Candidate<R>, b: Candidate<R>): boolean =>
  (compareTimes(a, b) || a.row.updatedAtUnixMs - b.row.updatedAtUnixMs || a.row.id - b.row.id) > 0
