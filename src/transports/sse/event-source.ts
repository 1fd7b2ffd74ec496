import { createRequire } from 'node:module'
import { type EventSource, type EventSourceInit, type FetchLike } from 'eventsource'

export type EventSourceClass = typeof EventSource

/**
 * The body of an answer that is no stream is nobody's to read, and would hold its connection for as long as the provider likes.
 */
const withoutLeftovers =
  (given: FetchLike | undefined): FetchLike =>
  async (url, init) => {
    const response = await (given ?? globalThis.fetch)(url, init)
    const { body } = response as { body?: { cancel?: () => Promise<void> } | null }
    if (response.status !== 200) void body?.cancel?.().catch(() => {})
    return response
  }

/** The class of the package, loaded where a transport has been given no other (by plain `require`: tests run under jest). */
export const loadEventSource = (): EventSourceClass => {
  const { EventSource: Original } = createRequire(__filename)('eventsource') as {
    EventSource: EventSourceClass
  }
  return class extends Original {
    constructor(url: string | URL, init?: EventSourceInit) {
      super(url, { ...init, fetch: withoutLeftovers(init?.fetch) })
    }
  }
}
