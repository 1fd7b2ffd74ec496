import { type AxiosRequestConfig } from 'axios'

type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>

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

/**
 * SC-6: a redirect to another origin gets nothing that could be a credential: of the headers only the harmless ones, and a body, which may
 * be a login, not at all. The author's own function comes after that, and may add what the other host may know.
 */
export const withSafeRedirects = (
  config: AxiosRequestConfig,
): Pick<AxiosRequestConfig, 'beforeRedirect'> => ({
  beforeRedirect: (...redirect: Parameters<BeforeRedirect>) => {
    const [options, , { url }] = redirect
    const { href, method, headers } = options as { href: string; method: string; headers: object }
    if (new URL(href).origin !== new URL(url).origin) {
      if (hasBody(config) && !/^(get|head)$/i.test(method))
        throw new Error('A redirect to another host was not followed, because it would take the body along')
      for (const name of Object.keys(headers))
        if (!HARMLESS.has(name.toLowerCase())) Reflect.deleteProperty(headers, name)
      delete options['auth']
    }
    config.beforeRedirect?.(...redirect)
  },
})
