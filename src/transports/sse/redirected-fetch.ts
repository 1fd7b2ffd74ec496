import { type FetchLike } from 'eventsource'
import { leavesOrigin, type RedirectOptions } from '../../util/redirects'
import { proxiedFetch } from './proxied-fetch'

type Answer = Awaited<ReturnType<FetchLike>>
type Init = Parameters<FetchLike>[1]

/** As many as `fetch` itself follows. */
const MAX_REDIRECTS = 20

const REDIRECTS = new Set([301, 302, 303, 307, 308])

const locationOf = ({ status, headers }: Answer, from: string): string | undefined => {
  const location = REDIRECTS.has(status) ? headers?.get('location') : undefined
  return typeof location === 'string' && URL.canParse(location, from)
    ? new URL(location, from).href
    : undefined
}

const drop = ({ body }: Answer): void => {
  void (body as { cancel?: () => Promise<void> } | null)?.cancel?.().catch(() => {})
}

/** Of the headers of a stream, its id of the last event is what another host might not be meant to know. */
const stripped = (init: Init): Init => ({ ...init, headers: { Accept: 'text/event-stream' } })

/**
 * SC-6: a `fetch` for streams that follows redirects within their origin, and to those that are declared. An author's `fetch` would take its
 * headers, a key among them, to any other: from there on our own is used, without what may be a credential.
 */
export const withSafeRedirects =
  (own: FetchLike, options: RedirectOptions): FetchLike =>
  async (url, given) => {
    let [at, fetch, init] = [String(url), own, given]
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await fetch(at, { ...init, redirect: 'manual' })
      const next = locationOf(answer, at)
      if (next === undefined) return answer
      drop(answer)
      if (leavesOrigin(at, next, options)) [fetch, init] = [proxiedFetch, stripped(init)]
      at = next
    }
    throw new Error('The stream was redirected too often')
  }
