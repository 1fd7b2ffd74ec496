import { createRequire } from 'node:module'
import { type EventSource, type EventSourceInit, type FetchLike } from 'eventsource'
import { type ReadingLimit } from '../../connections/reading-brake'
import { delayAskedFor } from '../../connections/handshake-refusal'
import { type RedirectOptions, type RedirectRefused, redirectRefusedIn } from '../../util/redirects'
import { type ProxyError, proxyErrorIn } from '../../util/tunnel'
import { type SSEConfig } from './config'
import { proxiedFetch } from './proxied-fetch'
import { withEventLimit } from './event-limit'
import { LineBrake } from './line-brake'
import { withSafeRedirects } from './redirected-fetch'

export type EventSourceClass = typeof EventSource

/** What a stream's class is given beside the URL. That of a test gets the author's own, unless other origins are declared. */
export const initOf = ({ eventSourceInitDict, redirectOrigins }: SSEConfig): EventSourceInit | undefined => {
  if (redirectOrigins === undefined) return eventSourceInitDict
  const init: EventSourceInit & RedirectOptions = { ...eventSourceInitDict, redirectOrigins }
  return init
}

/** In characters; an event that is longer, and has an end, costs itself only. */
export const MAX_EVENT_CHARACTERS = 8 * 1024 * 1024

/** A character has up to three bytes, and the lines of an event have names. */
const MAX_EVENT_BYTES = 4 * MAX_EVENT_CHARACTERS

const TOO_LARGE: unique symbol = Symbol('tickwell.eventTooLarge')

/** Whether the stream ended because an event became too large before it had an end. */
export const wasTooLarge = (source: object): boolean =>
  (source as { [TOO_LARGE]?: boolean })[TOO_LARGE] === true

const FLOODED: unique symbol = Symbol('tickwell.flooded')

/** Calls this whenever a stream is read more slowly because it brings too much that says nothing. */
export const onFlood = (source: object, flooded: (limit: ReadingLimit) => void): void => {
  Object.assign(source, { [FLOODED]: flooded })
}

const RETRY_AFTER: unique symbol = Symbol('tickwell.retryAfter')
const FAILURE: unique symbol = Symbol('tickwell.failure')

/** How long the provider asked us to wait when it refused this stream, in ms; undefined where it did not, and for any other class. */
export const retryAfterOfSource = (source: object): number | undefined => {
  const refused: { [RETRY_AFTER]?: number } = source
  return refused[RETRY_AFTER]
}

/** Why there was no way to this stream: through its proxy, or where it was redirected to. Undefined where that is not what failed. */
export const failureOfSource = (source: object): ProxyError | RedirectRefused | undefined => {
  const failed: { [FAILURE]?: ProxyError | RedirectRefused } = source
  return failed[FAILURE]
}

type Answer = Awaited<ReturnType<FetchLike>>

/**
 * Cancels the body of an answer that is not a stream. Nobody reads it, and it would keep its connection open for as long as the provider
 * likes. A stream fails at an event without an end.
 */
const withoutLeftovers =
  (
    fetch: FetchLike,
    on: { refused: (answer: Answer) => void; tooLarge: () => void; flood: (limit: ReadingLimit) => void },
  ): FetchLike =>
  async (url, init) => {
    const response = await fetch(url, init)
    const { body } = response as { body?: { cancel?: () => Promise<void> } | null }
    if (response.status === 200) {
      const brake = new LineBrake(on.flood)
      ;(init as RequestInit).signal?.addEventListener('abort', () => brake.stop(), { once: true })
      return withEventLimit(response, MAX_EVENT_BYTES, { brake, onExceeded: on.tooLarge })
    }
    void body?.cancel?.().catch(() => {})
    on.refused(response)
    return response
  }

const headerOf = ({ headers }: Answer, name: string): string | undefined => headers?.get(name) ?? undefined

/**
 * Loads the class of the `eventsource` package, for transports that were given no other. It uses plain `require` because adapters' tests
 * run under jest.
 */
export const loadEventSource = (): EventSourceClass => {
  const { EventSource: Original } = createRequire(__filename)('eventsource') as {
    EventSource: EventSourceClass
  }
  return class extends Original {
    [RETRY_AFTER]?: number;
    [FAILURE]?: ProxyError | RedirectRefused;
    [TOO_LARGE]?: boolean;
    [FLOODED]?: (limit: ReadingLimit) => void

    constructor(url: string | URL, init?: EventSourceInit & RedirectOptions) {
      const note = (answer: Answer): void => {
        const [value, date] = [headerOf(answer, 'retry-after'), headerOf(answer, 'date')]
        this[RETRY_AFTER] = delayAskedFor({ 'retry-after': value, date })
      }
      const fetch = withoutLeftovers(withSafeRedirects(init?.fetch ?? proxiedFetch, init ?? {}), {
        refused: note,
        tooLarge: () => (this[TOO_LARGE] = true),
        flood: (limit) => this[FLOODED]?.(limit),
      })
      super(url, {
        ...init,
        fetch: (...of) =>
          fetch(...of).catch((error: unknown) => {
            this[FAILURE] = proxyErrorIn(error) ?? redirectRefusedIn(error)
            throw error
          }),
      })
    }
  }
}
