import { UrlChoice } from '../../src/connections/url-choice'
import { exponentialBackoff } from '../../src/util/backoff'

export const DWELL_MS = 60_000
export const MAX_PAUSE_MS = 200_000
export const MAX_REST_MS = 30_000

/** A choice among these URLs, each of which rests ever longer after failures. */
export const choiceOf = (urls: string[], random?: () => number) => {
  const backoff = exponentialBackoff({
    minMs: 100,
    maxMs: MAX_REST_MS,
    factor: 5,
    ...(random && { random }),
  })
  const choice = new UrlChoice({
    dwellMs: DWELL_MS,
    maxPauseMs: MAX_PAUSE_MS,
    backoff,
    ...(random && { random }),
  })
  choice.list(urls, 0)
  return choice
}
