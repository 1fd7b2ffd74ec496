import { metrics } from '../metrics/registry'

/**
 * How long the last request of each endpoint waited for its value, with and without success. Published when metrics are scraped (contract
 * 14).
 */
export class PollingStats {
  private readonly last = new Map<string, { succeeded?: number; failed?: number }>()
  private readonly unpublish: () => void

  constructor(private readonly adapterName: string) {
    this.unpublish = metrics.publish('transportPollingDurationSeconds', (gauge) => {
      for (const [adapter_endpoint, { succeeded, failed }] of this.last) {
        const labels = { app_name: adapterName, adapter_endpoint }
        if (succeeded !== undefined) gauge.set({ ...labels, succeeded: 'true' }, succeeded)
        if (failed !== undefined) gauge.set({ ...labels, succeeded: 'false' }, failed)
      }
    })
  }

  waited(endpointName: string, hasSucceeded: boolean, seconds: number): void {
    let last = this.last.get(endpointName)
    if (last === undefined) this.last.set(endpointName, (last = { succeeded: undefined, failed: undefined }))
    if (hasSucceeded) last.succeeded = seconds
    else last.failed = seconds
    if (hasSucceeded) return
    const labels = { app_name: this.adapterName, adapter_endpoint: endpointName }
    metrics.get('transportPollingFailureCount').inc(labels)
  }

  stop(): void {
    this.unpublish()
  }
}
