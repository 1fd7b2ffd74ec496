import { type Observation } from './observation'
import { compareStandings } from './order'

/** What decides between the values of several sources, beside their times. */
export interface Standings {
  /** Whether a source's value still stands: it was heard of lately, and nothing is wrong with the source. */
  isHealthy: (value: Observation) => boolean
  /** Sources of a lower tier go before all others; within one tier those of a better rank do. */
  tierOf: (rank: number) => number
}

const best = (values: readonly Observation[]): Observation =>
  values.reduce((one, other) => (compareStandings(other, one) > 0 ? other : one))

/**
 * Which of the live values of several sources is served (FO-4): it follows from the values, whatever order they came in.
 *
 * Times of providers are comparable: of those values the latest is served, whoever brings it (contract 10.7). Times of receipt say
 * only who spoke last, and of several sources that is each of them in turn. So a value that has no other is the source's as long as
 * that is healthy: the one of the best tier and rank stays, and the others step in when it fails (TM-4, FO-5). Between both kinds the
 * better tier goes first; in one tier it is the one with the provider's own time. A source that gives such times now and
 * then is held to them.
 */
export const preferred = (
  values: readonly Observation[],
  { isHealthy, tierOf }: Standings,
): Observation | undefined => {
  if (values.length < 2) return values[0]
  const timed = values.filter(({ isTimed }) => isTimed)
  if (timed.length === values.length) return best(timed)
  const healthy = values.filter(isHealthy)
  if (healthy.length === 0) return best(values)
  const tierOfTimed = Math.min(...healthy.filter(({ isTimed }) => isTimed).map(({ rank }) => tierOf(rank)))
  const untimed = healthy
    .filter(({ isTimed }) => !isTimed)
    .sort((a, b) => tierOf(a.rank) - tierOf(b.rank) || a.rank - b.rank)[0]
  return untimed === undefined || tierOfTimed <= tierOf(untimed.rank) ? best(timed) : untimed
}
