import { CLOCK_TOLERANCE_MS, EARLIEST_TIME_UNIX_MS } from '../validation/timestamps'

/** How far ahead of our clock a provider's own time may be by default, in ms (TM-2). */
export const FUTURE_TOLERANCE_MS = 5_000

/**
 * Whether a time is too far ahead of our clock. A value with such a time is refused (TM-2); where it was accepted while our clock was
 * wrong, it is no longer used (TM-3). True for anything that is no number.
 */
export const isAhead = (timeUnixMs: number, now: number, toleranceMs = FUTURE_TOLERANCE_MS): boolean =>
  !(timeUnixMs <= now + toleranceMs)

/** No real time of a provider is before this, in Unix ms. If our own clock is, it is wrong or set by a test, and proves nothing. */
export const isBeforeClocks = (timeUnixMs: number): boolean => timeUnixMs < EARLIEST_TIME_UNIX_MS

/** Whether a provider's time is so unlikely that a warning is logged (contract 8.4). */
export const isImplausible = (timeUnixMs: number, now: number): boolean =>
  !Number.isInteger(timeUnixMs) || isBeforeClocks(timeUnixMs) || isAhead(timeUnixMs, now, CLOCK_TOLERANCE_MS)
