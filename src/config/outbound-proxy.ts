import { createRequire } from 'node:module'
import { BlockList, isIP } from 'node:net'
import { CensorList, type CensorKeyValue, secretEntry } from '../util/redaction'

const VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'] as const

/** A shorter user name is no secret, and its letters may be a word of any text. */
const MIN_SECRET_NAME = 8

const valueOf = (name: string): string => process.env[name] || process.env[name.toUpperCase()] || ''

/** Whether any proxy is set. While there is none, nothing is loaded and nothing is different. */
export const isProxySet = (): boolean => VARIABLES.some((name) => valueOf(name) !== '')

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '')

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

const isInRange = (host: string, entry: string): boolean => {
  const [network = '', bits = ''] = entry.split('/')
  const kinds = [isIP(host), isIP(network)]
  if (kinds[0] === 0 || kinds[0] !== kinds[1] || !/^\d{1,3}$/.test(bits)) return false
  const family = kinds[0] === 4 ? 'ipv4' : 'ipv6'
  if (Number(bits) > (family === 'ipv4' ? 32 : 128)) return false
  const range = new BlockList()
  range.addSubnet(network, Number(bits), family)
  return range.check(host, family)
}

/**
 * What axios takes out beyond proxy-from-env: ranges of addresses (`10.0.0.0/8`), and every name of this machine where one of them is listed.
 * Without it, a WebSocket and a request to the same host would go different ways.
 */
const isTakenOut = (url: string): boolean => {
  const host = unbracketed(new URL(url).hostname)
  const entries = valueOf('no_proxy')
    .toLowerCase()
    .split(/[,\s]+/)
  return entries.map(unbracketed).some((entry) => {
    if (entry.includes('/')) return isInRange(host, entry)
    return entry === host || (isLoopback(host) && isLoopback(entry))
  })
}

/**
 * The proxy that an outbound connection goes through, by the variables that other programs know: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`
 * and `NO_PROXY`, or the same in lower case, which comes first. The environment is read at each call.
 *
 * @param url - of the destination: `https:` and `wss:` have one proxy, `http:` and `ws:` another
 * @returns its URL, with its credential: not for logs; undefined for a direct connection
 */
export const proxyFor = (url: string): string | undefined => {
  if (!isProxySet() || !URL.canParse(url)) return undefined
  const asked = url.replace(/^ws(s?):/i, 'http$1:')
  const { getProxyForUrl } = createRequire(__filename)('proxy-from-env') as {
    getProxyForUrl: (url: string) => string
  }
  const proxy = getProxyForUrl(asked)
  return proxy === '' || isTakenOut(asked) ? undefined : proxy
}

const decoded = (text: string): string[] => {
  try {
    return [...new Set([text, decodeURIComponent(text)])]
  } catch {
    return [text]
  }
}

const secretsOf = (name: string): CensorKeyValue[] => {
  const value = valueOf(name)
  const proxy = value.includes('://') ? value : `http://${value}`
  if (value === '' || !URL.canParse(proxy)) return []
  const { username, password } = new URL(proxy)
  const secrets = [password, username.length < MIN_SECRET_NAME ? '' : username].filter((one) => one !== '')
  return secrets.flatMap(decoded).map((secret) => secretEntry(name.toUpperCase(), secret))
}

/** Gives the credentials of the proxies to the list of secrets of this process (SC-1). */
export const hideProxyCredentials = (): void => {
  CensorList.set(VARIABLES.flatMap(secretsOf), 'outbound proxy')
}
