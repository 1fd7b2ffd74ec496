import { TransferError } from './errors'
import { type Direction } from './frames'

const invalid = (problem: string): TransferError =>
  // The URL itself may hold a password.
  new TransferError('url-invalid', `The Strapi admin URL ${problem}`)

const parse = (adminUrl: string): URL => {
  let url: URL
  try {
    url = new URL(adminUrl)
  } catch {
    throw invalid('cannot be parsed')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid('must begin with http:// or https://')
  return url
}

/**
 * Where transfers of a server are made: `ws:` for an `http:` admin URL, `wss:` for `https:`, its path without one trailing slash, then
 * the runner (spec 2.1). A query, a fragment and credentials of the URL are left out.
 *
 * @throws TransferError `url-invalid` for other schemes and for text that is not a URL
 */
export const transferUrl = (adminUrl: string, direction: Direction): string => {
  const { protocol, host, pathname } = parse(adminUrl)
  const scheme = protocol === 'https:' ? 'wss:' : 'ws:'
  return `${scheme}//${host}${pathname.replace(/\/$/, '')}/transfer/runner/${direction}`
}

/** One name for one server, however its URL is written. Two transfers with one server must not run at a time, even for two transports. @throws TransferError */
export const serverKey = (adminUrl: string): string => {
  const { protocol, host, pathname } = parse(adminUrl)
  return `${protocol}//${host}${pathname.replace(/\/$/, '')}`
}
