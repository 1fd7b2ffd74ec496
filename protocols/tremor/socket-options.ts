import { isRecord, type Problems } from './problems'

/**
 * Reads `socket_options` and the older `no_delay` of clients (tremor 3 and 4); what Node cannot do is refused, not ignored.
 *
 * @returns whether small messages are sent at once
 */
export const parseSocketOptions = (given: unknown, olderNoDelay: unknown, problems: Problems): boolean => {
  const where = 'config.socket_options'
  if (given !== undefined && !isRecord(given)) problems.add(where, 'must be a record')
  const options = isRecord(given) ? given : {}
  problems.unknownKeys(where, options, ['TCP_NODELAY', 'SO_REUSEADDR', 'SO_REUSEPORT'])
  for (const [name, value] of Object.entries(options))
    if (typeof value !== 'boolean') problems.add(`${where}.${name}`, 'must be a boolean')
  if (options.SO_REUSEADDR === false) problems.add(`${where}.SO_REUSEADDR`, 'cannot be turned off here')
  if (options.SO_REUSEPORT === true) problems.add(`${where}.SO_REUSEPORT`, 'cannot be turned on here')
  const { TCP_NODELAY: noDelay } = options
  if (olderNoDelay === undefined) return noDelay !== false
  if (typeof olderNoDelay !== 'boolean') problems.add('config.no_delay', 'must be a boolean')
  else if (noDelay !== undefined && noDelay !== olderNoDelay)
    problems.add('config.no_delay', 'is the older name of TCP_NODELAY, which says otherwise')
  return olderNoDelay === true
}
