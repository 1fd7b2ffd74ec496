import { type Observation } from './observation'
import { compareStandings } from './order'

/** What decides between the values of several sources, in addition to their times. */
export interface Standings {
  /** Whether a source is healthy: it sent or confirmed this value lately, and nothing is wrong with its connection. */
  isHealthy: (value: Observation) => boolean
  /** Sources of a lower tier are preferred; in one tier those with a lower rank are. */
  tierOf: (rank: number) => number
}

const best = (values: readonly Observation[]): Observation =>
  values.reduce((one, other) => (compareStandings(other, one) > 0 ? other : one))

/**
 * Which of the live values of several sources is served (FO-4). It does not depend on the order in which they came.
 *
 * Providers' times can be compared: of values with such times the latest is served, from any source (contract 10.7). Times of receipt only
 * tell which source sent last, and that would be each source in turn. So of values without a provider's time, the one of the healthy source
 * with the best tier and rank is served; another source is used only when that one fails (TM-4, FO-5). Between a value with a provider's
 * time and one without, the better tier is served; in one tier it is the value with the provider's time. A source that gave a provider's
 * time once counts as one that gives them.
 */
export const preferred = (
  values: readonly Observation[],
  { isHealthy, tierOf }: Standings,
): Observation | undefined => {
  if (values.length < 2) return values[0]
  const timed = values.filter(({ isTimed }) => isTimed)
  if (timed.length === values.length) return best(timed)
  const healthy = values.filter(isHealthy)
  const [first] = healthy.toSorted((a, b) => tierOf(a.rank) - tierOf(b.rank) || a.rank - b.rank)
  if (first === undefined) return best(values)
  const hasTimes = healthy.some(({ isTimed, rank }) => isTimed && tierOf(rank) === tierOf(first.rank))
  return hasTimes ? best(timed) : first
}
