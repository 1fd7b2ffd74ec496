import { type FetchLike } from 'eventsource'

type Answer = Awaited<ReturnType<FetchLike>>

/** As many as `fetch` itself follows. */
const MAX_REDIRECTS = 20

const REDIRECTS = new Set([301, 302, 303, 307, 308])

const locationOf = ({ status, headers }: Answer, from: string): URL | undefined => {
  const location = REDIRECTS.has(status) ? headers?.get('location') : undefined
  return typeof location === 'string' && URL.canParse(location, from) ? new URL(location, from) : undefined
}

const drop = ({ body }: Answer): void => {
  void (body as { cancel?: () => Promise<void> } | null)?.cancel?.().catch(() => {})
}

/**
 * SC-6: a `fetch` for streams that follows redirects within their origin only. An author's `fetch` would take its headers, a key among them, to
 * any other.
 */
export const atHome =
  (fetch: FetchLike): FetchLike =>
  async (url, init) => {
    let at = String(url)
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await fetch(at, { ...init, redirect: 'manual' })
      const next = locationOf(answer, at)
      if (next === undefined) return answer
      drop(answer)
      if (next.origin !== new URL(at).origin)
        throw new Error('The stream was answered with a redirect to another origin, which is not followed')
      at = next.href
    }
    throw new Error('The stream was redirected too often')
  }
