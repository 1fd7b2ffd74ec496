import { commonReason } from '../feeds/error-reason'
import { isLasting, type Reason } from '../validation/reason'
import { type Stall, childrenIn, failuresOf, stallOf } from './capabilities'

/** @param mayHelp - whether the next attempt is another one than that which failed, such as at another URL */
export const stall = (reason: Reason, leftMs: number, mayHelp = false): Stall => ({
  reason: { ...reason, nextAttemptUnixMs: Math.round(Date.now() + leftMs) },
  leftMs,
  isLasting: !mayHelp && isLasting(reason),
})

/** The stall until the next attempt that a reason names; undefined where it names none, or one that is due. */
export const stallUntilNext = (reason: Reason | undefined, mayHelp = false): Stall | undefined => {
  const leftMs = (reason?.nextAttemptUnixMs ?? 0) - Date.now()
  return reason === undefined || leftMs <= 0 ? undefined : stall(reason, leftMs, mayHelp)
}

/** The stall of a transport that is made of others: only where none of them can bring anything. */
export const commonStall = (
  children: readonly (readonly [name: string, transport: object])[],
  params: object,
): Stall | undefined => {
  const stalls = children.flatMap(([name, child]) => {
    const own = stallOf(child, params)
    return own === undefined ? [] : [{ name, ...own }]
  })
  const reason = stalls.length === children.length ? commonReason(stalls) : undefined
  if (reason === undefined) return undefined
  return {
    reason,
    leftMs: Math.min(...stalls.map(({ leftMs }) => leftMs)),
    isLasting: stalls.every((one) => one.isLasting),
  }
}

/**
 * Why it is useless to wait for a value of a feed (ER-5): nothing can come before the next attempt, and that is too late, or is not
 * expected to help: its cause lasts, or has lasted for longer than anybody waits.
 *
 * @param leftMs - how much longer somebody would wait
 * @param limitMs - how long in all
 */
export const uselessReason = (
  transport: object,
  params: object,
  leftMs: number,
  limitMs = leftMs,
): Reason | undefined => {
  const found = stallOf(transport, params)
  if (found === undefined) return undefined
  const { reason, leftMs: nextMs, isLasting: isSo } = found
  return isSo || nextMs > leftMs || Date.now() - reason.sinceUnixMs > limitMs ? reason : undefined
}

/** Calls `listener` whenever an attempt of the transport, or of one of those that it is made of, has failed. @returns ends that */
export const followFailures = (transport: object, listener: () => void): (() => void) => {
  const ends = childrenIn(transport).map((one) => failuresOf(one)?.add(listener))
  return () => ends.forEach((end) => end?.())
}
