/** Waits, by a clock that nobody moves. All of them have an end. */

import { performance } from 'node:perf_hooks'
import { clearInterval, setInterval } from 'node:timers'

const PAUSE_MS = 40

export const nowMs = () => performance.now()

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * What `look` gives as soon as that is true of it; undefined when it was not within the time.
 *
 * @param look - may return a promise
 */
export const within = async (ms, look, isIt = Boolean) => {
  const end = nowMs() + ms
  for (;;) {
    const seen = await look()
    if (isIt(seen)) return seen
    if (nowMs() > end) return undefined
    await pause(PAUSE_MS)
  }
}

/** The same for what the trial itself needs. @throws Error naming what has not come */
export const expected = async (what, ms, look, isIt = Boolean) => {
  const seen = await within(ms, look, isIt)
  if (seen === undefined) throw new Error(`no ${what} within ${ms / 1000} s`)
  return seen
}

export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`

/** What `run` gives, while `act` is called every so many ms: at most until then, however it ends. */
export const meanwhile = async (everyMs, act, run) => {
  const timer = setInterval(act, everyMs)
  try {
    return await run()
  } finally {
    clearInterval(timer)
  }
}
