import { calculateFeedId, type KeyGenerics } from './keys'
import { type AdapterMetricsMeta } from './responses'

/** The labels that the metrics of a request get (contract 8.3). */
export const getMetricsMeta = <T extends KeyGenerics = KeyGenerics>(
  args: { adapterSettings: T['Settings']; inputParameters?: unknown; caseSensitive?: boolean },
  data: object,
): AdapterMetricsMeta => ({ feedId: calculateFeedId(args, data) })
