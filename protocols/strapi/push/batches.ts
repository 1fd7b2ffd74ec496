import { TransferError } from '../errors'

/** As Strapi's own client does it (spec 9.3). */
const MAX_ITEMS = 100
const MAX_BYTES = 524_288
/** The server takes 100 MiB in a frame; a row of this size is a mistake of ours. */
const MAX_ITEM_BYTES = 4_194_304

/**
 * The messages that items are sent in: a new one begins before the item that would be one too many. One item may be larger than a
 * message should be, and is alone in it then.
 *
 * @throws TransferError `rows-invalid` for an item of more than 4 MiB
 */
export const inBatches = <T>(items: readonly T[], maxItems = MAX_ITEMS, maxBytes = MAX_BYTES): T[][] => {
  const batches: T[][] = []
  let bytes = 0
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item))
    if (size > MAX_ITEM_BYTES)
      throw new TransferError('rows-invalid', 'Refused to push a row of more than 4 MiB')
    const current = batches.at(-1)
    if (current === undefined || current.length >= maxItems || bytes + size > maxBytes) {
      batches.push([item])
      bytes = size
    } else {
      current.push(item)
      bytes += size
    }
  }
  return batches
}
