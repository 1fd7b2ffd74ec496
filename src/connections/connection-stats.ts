import { type App } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { redactText, safeUrl } from '../util/redaction'
import { overflowed } from '../metrics/bounds'

/** The most error codes, URLs, and pairs of a URL and a close code that a transport has as labels. Further ones share `other` (OB-1). */
const MAX_LABELS = 100

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
  /** @param code - of a closed list, such as `CONNECTION_REFUSED`: never a text, which may come from outside */
  errored(code: string): void
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
  /** With whose name the connection in use was counted. */
  private activeOf: App | undefined
  private readonly urls = new Set<string>()
  private readonly ends = new Set<string>()
  private readonly codes = new Set<string>()

  /** @param app - whose connections they are. Asked for each event: a transport is made before its adapter */
  constructor(private readonly app: () => App = () => ({})) {}

  attempted(): void {
    metrics.get('wsConnectionAttempt').inc(this.app(), 1)
  }

  /** Whether the transport has an open connection in use. */
  active(isActive: boolean): void {
    if ((this.activeOf !== undefined) === isActive) return
    const app = this.activeOf ?? this.app()
    this.activeOf = isActive ? app : undefined
    metrics.get('wsConnectionActive').inc(app, isActive ? 1 : -1)
  }

  errored(code: string): void {
    const message = hasRoom(this.codes, code) ? code : 'other'
    metrics.get('wsConnectionErrors').inc({ ...this.app(), message })
  }

  closed(code: number, url: string): void {
    const labels = { code, url: shownUrl(url) }
    const isKnown = hasRoom(this.ends, `${code} ${labels.url}`)
    const shown = isKnown ? labels : { code: 'other', url: 'other' }
    metrics.get('wsConnectionClosures').inc({ ...this.app(), ...shown })
  }

  failedOver(transportName: string, url: string, count: number): void {
    const shown = shownUrl(url)
    const labels = { transport_name: transportName, url: hasRoom(this.urls, shown) ? shown : 'other' }
    metrics.get('wsConnectionFailoverCount').set({ ...this.app(), ...labels }, count)
  }
}

/** Whether a label is one of those that have a series of their own. The URLs of an author may hold what clients ask for. */
const hasRoom = (known: Set<string>, label: string): boolean => {
  if (known.has(label)) return true
  if (known.size < MAX_LABELS) {
    known.add(label)
    return true
  }
  overflowed('connection_labels')
  return false
}
