import { metrics } from '../metrics/registry'
import { redactText, safeUrl } from '../util/redaction'
import { overflowed } from '../metrics/bounds'

/** The most label values of connection errors. Further ones share `other`, so that the number of series stays bounded (OB-1). */
const MAX_ERROR_LABELS = 30

const MASK = /\[[^\]]* REDACTED\]/

/**
 * The URL without its secrets, for logs, labels and pages (SC-4): user-info and query never, and no path that is or holds a secret, such as
 * the key in the URL of a node. Empty before the first connection.
 */
export const shownUrl = (url: string): string => {
  if (url === '') return ''
  const [shown, redacted] = [safeUrl(url), redactText(url)]
  if (redacted === url || !URL.canParse(url)) return shown
  const { protocol, host, pathname } = new URL(url)
  const [mask = '[REDACTED]'] = MASK.exec(redacted) ?? []
  if (redactText(host) !== host) return mask
  return pathname === '/' || redacted.includes(`${host}${pathname}`) ? shown : `${protocol}//${host}/${mask}`
}

/** What is counted of the connections of one transport. */
export interface ConnectionCounts {
  attempted(): void
  active(isActive: boolean): void
  errored(message: string): void
  closed(code: number, url: string): void
  failedOver(transportName: string, url: string, count: number): void
}

/** For connections that the contract's metrics do not know. */
export const UNCOUNTED: ConnectionCounts = {
  attempted() {},
  active() {},
  errored() {},
  closed() {},
  failedOver() {},
}

/** Counts the connections of one transport. Such events are rare, so each goes to its metric at once. */
export class ConnectionStats implements ConnectionCounts {
  private isActive = false
  private readonly errorLabels = new Set<string>()

  attempted(): void {
    metrics.get('wsConnectionAttempt').inc()
  }

  /** Whether the transport has an open connection in use. */
  active(isActive: boolean): void {
    if (this.isActive === isActive) return
    this.isActive = isActive
    metrics.get('wsConnectionActive').inc(isActive ? 1 : -1)
  }

  errored(message: string): void {
    const text = redactText(message)
    if (this.errorLabels.size < MAX_ERROR_LABELS) this.errorLabels.add(text)
    const label = this.errorLabels.has(text) ? text : 'other'
    if (label !== text) overflowed('error_labels')
    metrics.get('wsConnectionErrors').labels({ message: label }).inc()
  }

  closed(code: number, url: string): void {
    metrics
      .get('wsConnectionClosures')
      .labels({ code, url: shownUrl(url) })
      .inc()
  }

  failedOver(transportName: string, url: string, count: number): void {
    metrics
      .get('wsConnectionFailoverCount')
      .labels({ transport_name: transportName, url: shownUrl(url) })
      .set(count)
  }
}
