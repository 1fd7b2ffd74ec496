import { type Counted, type LoadOptions, Round } from './round'

/**
 * Every connection sends its next request when it has its answer, for a while: as many as the target can take.
 *
 * @param around - called right before the first request and right after the last answer
 * @throws BadAnswer at the first answer that is not a good one
 */
export const closedLoop = async (
  options: LoadOptions,
  seconds: number,
  around: { before?: () => void; after?: () => void } = {},
): Promise<Counted> => {
  let until = Infinity
  const round = await Round.open(options, (connection, now) => {
    if (now < until) round.send(connection, now)
    else if (round.underWay === 0) round.end()
  })
  try {
    around.before?.()
    const startedAt = performance.now()
    until = startedAt + seconds * 1_000
    for (const connection of round.connections) round.send(connection, performance.now())
    await round.ended
    const endedAt = performance.now()
    around.after?.()
    return round.counted((endedAt - startedAt) / 1_000)
  } finally {
    round.close()
  }
}
