import type { JsonRecord } from '../definition'
import { DefinitionError } from '../errors'

/** The `separator` of a config record: exactly one byte, a line feed where it is absent. */
export function readSeparator({ separator = '\n' }: JsonRecord): number {
  const bytes = typeof separator === 'string' ? Buffer.from(separator) : undefined
  const [byte] = bytes ?? []
  if (bytes?.length !== 1 || byte === undefined) {
    throw new DefinitionError('separate: separator must be exactly one byte')
  }
  return byte
}
