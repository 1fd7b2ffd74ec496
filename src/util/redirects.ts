import { memberOf } from './objects'

/** What an HTTP request, a stream of server-sent events or a WebSocket may declare of redirects. */
export interface RedirectOptions {
  /**
   * The origins (`https://other.example`, with a port where it is not the usual one) to which the provider may redirect. Of the headers only the
   * harmless ones go along. Default: none; a redirect within the origin is followed, and to any other one it fails. Another scheme is
   * another origin, but `wss:` is that of `https:`, and `ws:` that of `http:`.
   */
  redirectOrigins?: readonly string[]
}

/** The provider redirects to another origin, to which its author does not let it, or not with all of this. Clients may see the text. */
export class RedirectRefused extends Error {}

/** The refusal among the causes of an error, if there is one. */
export const redirectRefusedIn = (error: unknown): RedirectRefused | undefined => {
  for (let one = error; one instanceof Error; one = memberOf(one, 'cause'))
    if (one instanceof RedirectRefused) return one
  return undefined
}

/** Headers that no author puts a credential in. Keys are sent in headers of any other name, which HTTP clients take along. */
const HARMLESS = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-length',
  'content-type',
  'host',
  'user-agent',
])

/** Whether a header may go along to another origin. */
export const isHarmless = (name: string): boolean => HARMLESS.has(name.toLowerCase())

/** That of a WebSocket is the one of the request that opens it. */
const originOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url.replace(/^ws(?=s?:)/i, 'http')).origin : undefined

/**
 * SC-6: a redirect to another origin is followed only where that is declared. What may be a credential must not go along there: the caller
 * leaves it out, or refuses by {@link wouldTake}.
 *
 * @returns whether it leads to another origin
 * @throws RedirectRefused where that is none of those that are declared
 */
export const leavesOrigin = (from: string, to: string, { redirectOrigins }: RedirectOptions): boolean => {
  const origin = originOf(to)
  if (origin === originOf(from)) return false
  if (redirectOrigins?.some((one) => originOf(one) === origin)) return true
  throw new RedirectRefused(
    `A redirect to another host was not followed: ${origin} is none of the origins that are declared for it`,
  )
}

/** The refusal of a redirect with which something would go along that cannot be left out. */
export const wouldTake = (what: string): RedirectRefused =>
  new RedirectRefused(`A redirect to another host was not followed, because it would take the ${what} along`)

/** Whether a connection with these options shows a certificate of ours, which says who we are. */
export const showsCertificate = (options: unknown): boolean =>
  ['cert', 'key', 'pfx'].some((name) => memberOf(options, name) !== undefined)
