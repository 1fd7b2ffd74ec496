import { createRequire } from 'node:module'
import { type EventSource, type EventSourceInit, type FetchLike } from 'eventsource'

export type EventSourceClass = typeof EventSource

/**
 * Cancels the body of an answer that is not a stream. Nobody reads it, and it would keep its connection open for as long as the provider
 * likes.
 */
const withoutLeftovers =
  (given: FetchLike | undefined): FetchLike =>
  async (url, init) => {
    const response = await (given ?? globalThis.fetch)(url, init)
    const { body } = response as { body?: { cancel?: () => Promise<void> } | null }
    if (response.status !== 200) void body?.cancel?.().catch(() => {})
    return response
  }

/**
 * Loads the class of the `eventsource` package, for transports that were given no other. It uses plain `require` because adapters' tests
 * run under jest.
 */
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
