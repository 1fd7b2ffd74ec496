import { type BaseAdapterSettings } from './settings'

/** Whether metrics are recorded and a server for Prometheus runs. */
export const isMeasured = (
  settings: Pick<BaseAdapterSettings, 'METRICS_ENABLED' | 'EXPERIMENTAL_METRICS_ENABLED'>,
): boolean => settings.METRICS_ENABLED && settings.EXPERIMENTAL_METRICS_ENABLED
