import { type BaseAdapterSettings } from './settings'

/** Whether there is a server for Prometheus. */
export const isMeasured = (
  settings: Pick<BaseAdapterSettings, 'METRICS_ENABLED' | 'EXPERIMENTAL_METRICS_ENABLED'>,
): boolean => settings.METRICS_ENABLED && settings.EXPERIMENTAL_METRICS_ENABLED
