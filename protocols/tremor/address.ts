/** Where a connector connects to or listens, out of its `url` (tremor 5). */
export interface Address {
  isSecure: boolean
  /** Without the brackets of IPv6. */
  host: string
  port: number
  /** Path and query, for the request line of a client. */
  path: string
}

const SCHEME = /^[A-Za-z-]+:\/\//

const DEFAULT_PORTS = { 'ws:': 80, 'wss:': 443 }

/** Text without a scheme is meant as `ws`. @returns undefined for text that is not an address of a WebSocket, or that names a user */
export const parseAddress = (text: string): Address | undefined => {
  let url: URL
  try {
    url = new URL(SCHEME.test(text) ? text : `ws://${text}`)
  } catch {
    return undefined
  }
  const { protocol, hostname, pathname, search, username, password } = url
  if (protocol !== 'ws:' && protocol !== 'wss:') return undefined
  // User and password would be dropped silently. A header can be sent instead.
  if (username !== '' || password !== '') return undefined
  return {
    isSecure: protocol === 'wss:',
    host: hostname.replace(/^\[|\]$/g, ''),
    // A URL that names the default port and one that names none look the same here.
    port: url.port === '' ? DEFAULT_PORTS[protocol] : Number(url.port),
    path: pathname + search,
  }
}

/** The address as a URL again: what a client dials. */
export const urlOf = ({ host, port, path }: Address, isTls: boolean): string =>
  `${isTls ? 'wss' : 'ws'}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`
