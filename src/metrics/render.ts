import { register } from 'prom-client'

/** All metrics of this process in Prometheus' text format. */
export const renderMetrics = (): Promise<string> => register.metrics()
