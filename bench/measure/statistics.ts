/** @throws RangeError for no values */
const sorted = (values: readonly number[] | Float64Array): Float64Array => {
  if (values.length === 0) throw new RangeError('No values to describe')
  return Float64Array.from(values).sort()
}

/** The middle one; of an even number the mean of both in the middle. @throws RangeError for no values */
export const median = (values: readonly number[]): number => {
  const ordered = sorted(values)
  const middle = ordered.length >> 1
  const upper = ordered[middle] as number
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] as number) + upper) / 2
}

/**
 * The smallest of the values that at least this share of them does not exceed.
 *
 * @param share - 0.99 for the 99th percentile; above 0, at most 1
 * @throws RangeError for no values
 */
export const percentile = (values: readonly number[] | Float64Array, share: number): number => {
  const ordered = sorted(values)
  return ordered[Math.max(0, Math.ceil(ordered.length * share) - 1)] as number
}

/**
 * Ours relative to theirs: each of our rounds is held against the round of theirs next to it, because a shared machine changes its
 * speed from one second to the next, and the median of those ratios counts.
 *
 * @throws RangeError when there is not one of theirs for each of ours
 */
export const ratioOf = (ours: readonly number[], theirs: readonly number[]): number => {
  if (ours.length !== theirs.length)
    throw new RangeError(`${ours.length} rounds cannot be paired with ${theirs.length}`)
  return median(ours.map((value, round) => value / (theirs[round] as number)))
}

/**
 * How long each value that was sent took to be seen. One that was overtaken by a later value counts as seen with it; one that was
 * never seen, nor any later one, is left out: the watching ended before.
 *
 * @param sent - rising; values are the times at which they were sent
 * @param seen - value and time of each sighting, in order
 */
export const delaysOf = (
  sent: readonly number[],
  seen: readonly { value: number; at: number }[],
): number[] => {
  const delays: number[] = []
  let sighting = 0
  for (const value of sent) {
    while (sighting < seen.length && (seen[sighting] as { value: number }).value < value) sighting++
    const first = seen[sighting]
    if (first === undefined) break
    delays.push(first.at - value)
  }
  return delays
}
