import { calculateFeedId, type KeySettings } from './keys'
import { type AdapterMetricsMeta } from './responses'

/** What the metrics of a request are filed under (contract 8.3). */
export const getMetricsMeta = (
  args: { adapterSettings: KeySettings; inputParameters?: unknown },
  data: Record<string, unknown>,
): AdapterMetricsMeta => ({ feedId: calculateFeedId(args, data) })
