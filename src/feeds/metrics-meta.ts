import { calculateFeedId, type KeyGenerics } from './keys'
import { type AdapterMetricsMeta } from './responses'

/** What the metrics of a request are filed under (contract 8.3). */
export const getMetricsMeta = <T extends KeyGenerics = KeyGenerics>(
  args: { adapterSettings: T['Settings']; inputParameters?: unknown; caseSensitive?: boolean },
  data: object,
): AdapterMetricsMeta => ({ feedId: calculateFeedId(args, data) })
