import { followFailures, uselessReason } from '../transports/stall'
import { monotonicMs } from '../util/clock'
import { type Reason } from '../validation/reason'

/**
 * Watches whether it is useless to wait for a value of a feed (ER-5): now, and whenever an attempt to get one has failed.
 *
 * @param limitMs - how long the value is waited for
 * @param tell - called once, with the reason
 * @returns ends the watch
 */
export const watchUselessness = (
  transport: object,
  params: object,
  limitMs: number,
  tell: (reason: Reason) => void,
): (() => void) => {
  const startedAtMs = monotonicMs()
  let isOver = false
  const look = (): void => {
    const leftMs = limitMs - (monotonicMs() - startedAtMs)
    const reason = isOver ? undefined : uselessReason(transport, params, leftMs, limitMs)
    if (reason === undefined) return
    isOver = true
    tell(reason)
  }
  const end = followFailures(transport, look)
  look()
  return end
}
