import { CodecError } from '../errors'
import { field, isRecord, unsigned, type Writable, type WritableRecord } from '../value'

/** A required text of a record. */
export function textOf(record: WritableRecord, name: string, format: string): string {
  const value = field(record, name)
  if (typeof value !== 'string') throw new CodecError(`${format}: ${name} must be text`)
  return value
}

/** A required unsigned 64-bit integer of a record. */
export function unsignedOf(record: WritableRecord, name: string, format: string): bigint {
  const value = unsigned(field(record, name))
  if (value === undefined) throw new CodecError(`${format}: ${name} must be an unsigned 64-bit integer`)
  return value
}

/** A required record of a record. */
export function recordOf(record: WritableRecord, name: string, format: string): WritableRecord {
  return asRecord(field(record, name), `${format}: ${name}`)
}

export function asRecord(value: Writable | undefined, what: string): WritableRecord {
  if (!isRecord(value)) throw new CodecError(`${what} must be a record`)
  return value
}

/** The entries that are text; other tags have no way to be written and are left out. */
export const textTags = (tags: WritableRecord): [string, string][] =>
  Object.entries(tags).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
