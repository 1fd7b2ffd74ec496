import { type AxiosRequestConfig } from 'axios'
import { memberOf } from '../util/objects'
import {
  isHarmless,
  leavesOrigin,
  type RedirectOptions,
  showsCertificate,
  wouldTake,
} from '../util/redirects'

type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>

const hasBody = ({ data }: AxiosRequestConfig): boolean => data !== undefined && data !== null

/**
 * SC-6: a redirect to another origin is followed only where that is declared, and gets nothing that could be a credential: of the headers only
 * the harmless ones; and with a body, which may be a login, or a certificate it is not followed at all. The author's own function comes after
 * that, and may add what the other host may know.
 */
export const withSafeRedirects = (
  config: AxiosRequestConfig & RedirectOptions,
): Pick<AxiosRequestConfig, 'beforeRedirect'> => ({
  beforeRedirect: (...redirect: Parameters<BeforeRedirect>) => {
    const [options, , { url }] = redirect
    const { href, method, headers } = options as { href: string; method: string; headers: object }
    if (leavesOrigin(url, href, config)) {
      if (hasBody(config) && !/^(get|head)$/i.test(method)) throw wouldTake('body')
      if (showsCertificate(memberOf(config.httpsAgent, 'options'))) throw wouldTake('certificate')
      for (const name of Object.keys(headers)) if (!isHarmless(name)) Reflect.deleteProperty(headers, name)
      delete options['auth']
    }
    config.beforeRedirect?.(...redirect)
  },
})
