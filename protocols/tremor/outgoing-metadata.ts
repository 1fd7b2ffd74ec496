import { isRecord } from './problems'

type Metadata = Readonly<Record<string, unknown>>

/** A member by its name as events have it, or as scripts write it: `ws_server`, `$ws_server`. */
const member = (meta: Metadata, name: string): unknown =>
  [name, `$${name}`]
    .map((one) => (Object.hasOwn(meta, one) ? meta[one] : undefined))
    .find((one) => one !== undefined)

/** The record of the connection that an event came from or is for: `ws_server`, on a client `ws_client`. */
export const connectionRecord = (meta: Metadata): Metadata | undefined =>
  ['ws_server', 'ws_client'].map((name) => member(meta, name)).find(isRecord)

/**
 * Whether an event is to be sent as a binary message (spec 8.3, 15): by a flag at the top of its metadata, where Tremor's program has it, or
 * else by one in the record of the connection, where its documentation has it. Exactly true counts.
 */
export const isToBeBinary = (meta: Metadata): boolean => {
  const flag = member(meta, 'binary') ?? connectionRecord(meta)?.binary
  return flag === true
}
