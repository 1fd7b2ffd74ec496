import { beginningOf } from '../../src/util/redaction'
import { TransferError } from './errors'

/** One row as the stage `entities` has it; what is in `data` is not checked yet. */
export interface Entity {
  type: string
  /** Row id: unique within its type in one transfer, and of no meaning beyond it. */
  id: number
  data: Readonly<Record<string, unknown>>
}

const IDENTIFIER = /^(api|plugin)::[a-z0-9-]+\.[a-z0-9-]+$/

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The content types that a transfer may look at. A pull brings everything that the server has, password hashes and sessions included,
 * and one cannot ask for less (spec 8.4). A row that is not on this list is dropped by its `type`, before anything else in it is read.
 */
export class AllowedTypes {
  private readonly types: ReadonlySet<string>

  /** @throws TransferError `schema-mismatch` for `admin::` types and for text that is not the identifier of a content type */
  constructor(types: Iterable<string>) {
    this.types = new Set(types)
    for (const type of this.types)
      if (!IDENTIFIER.test(type))
        throw new TransferError(
          'schema-mismatch',
          `"${beginningOf(type, 80, '')}" is no content type that may be read`,
        )
  }

  has(type: unknown): type is string {
    return typeof type === 'string' && this.types.has(type)
  }

  /**
   * The rows of allowed types among the items of a batch.
   *
   * @param onMalformed - told the type of each allowed item that has no numeric `id` or no `data`
   */
  rowsIn(items: readonly unknown[], onMalformed: (type: string) => void): Entity[] {
    const rows: Entity[] = []
    for (const item of items) {
      if (!isObject(item) || !this.has(item.type)) continue
      const { type, id, data } = item
      if (typeof id === 'number' && Number.isSafeInteger(id) && isObject(data)) rows.push({ type, id, data })
      else onMalformed(type)
    }
    return rows
  }
}
