/** Whether any value occurs more than once. */
export const hasRepeatedValues = (array: string[]): boolean => new Set(array).size !== array.length

/**
 * The items in their order, in arrays of `size`; the last one may be shorter. No items make one empty chunk (contract 18.5): who sends a
 * message for each chunk asks first whether there is anything to send.
 *
 * @throws RangeError when `size` is below 1
 */
export const splitArrayIntoChunks = <T>(array: T[], size: number): T[][] => {
  if (!(size >= 1)) throw new RangeError(`The size of a chunk must be at least 1, not ${size}`)
  const chunks: T[][] = [array.slice(0, size)]
  for (let start = size; start < array.length; start += size) chunks.push(array.slice(start, start + size))
  return chunks
}

/** The items by their value under `key`; items keep their order within a group. */
export const groupArrayByKey = <T extends Record<string, string>, K extends keyof T>(
  array: T[],
  key: K,
): Record<T[K], T[]> => {
  const groups = new Map<T[K], T[]>()
  for (const item of array) {
    const group = groups.get(item[key])
    if (group) group.push(item)
    else groups.set(item[key], [item])
  }
  return Object.fromEntries(groups) as Record<T[K], T[]>
}
