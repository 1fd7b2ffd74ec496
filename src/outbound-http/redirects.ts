import { type AxiosRequestConfig } from 'axios'
import { memberOf } from '../util/objects'

type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>

/** What a request may declare beyond what axios knows. */
export interface RedirectOptions {
  /**
   * The origins (`https://other.example`, with a port where it is not the usual one) to which this request may be redirected. Of its headers
   * only the harmless ones go along. Default: none; a redirect within the origin of the request is followed, and to any other one it fails.
   * Another scheme is another origin.
   */
  redirectOrigins?: readonly string[]
}

/** The provider wants a request to go to another origin, which its author has not declared. Clients may see the text. */
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

const hasBody = ({ data }: AxiosRequestConfig): boolean => data !== undefined && data !== null

const originOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).origin : undefined)

/**
 * SC-6: a redirect to another origin is followed only where that is declared, and gets nothing that could be a credential: of the headers only
 * the harmless ones, and a body, which may be a login, not at all. The author's own function comes after that, and may add what the other
 * host may know.
 */
export const withSafeRedirects = (
  config: AxiosRequestConfig & RedirectOptions,
): Pick<AxiosRequestConfig, 'beforeRedirect'> => ({
  beforeRedirect: (...redirect: Parameters<BeforeRedirect>) => {
    const [options, , { url }] = redirect
    const { href, method, headers } = options as { href: string; method: string; headers: object }
    const { origin } = new URL(href)
    if (origin !== new URL(url).origin) {
      if (!config.redirectOrigins?.some((one) => originOf(one) === origin))
        throw new RedirectRefused(
          `A redirect to another host was not followed: ${origin} is none of the origins that are declared for it`,
        )
      if (hasBody(config) && !/^(get|head)$/i.test(method))
        throw new RedirectRefused(
          'A redirect to another host was not followed, because it would take the body along',
        )
      for (const name of Object.keys(headers))
        if (!HARMLESS.has(name.toLowerCase())) Reflect.deleteProperty(headers, name)
      delete options['auth']
    }
    config.beforeRedirect?.(...redirect)
  },
})
