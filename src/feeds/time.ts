import { CLOCK_TOLERANCE_MS, EARLIEST_TIME_UNIX_MS } from '../validation/timestamps'

/** How far ahead of our clock a provider's own time may be, where nothing else is said (TM-2). */
export const FUTURE_TOLERANCE_MS = 5_000

/**
 * Whether a time is too far ahead of our clock. Such a time is refused (TM-2), and void where it was accepted while our clock was wrong
 * (TM-3). What is no number is ahead of any clock.
 */
export const isAhead = (timeUnixMs: number, now: number, toleranceMs = FUTURE_TOLERANCE_MS): boolean =>
  !(timeUnixMs <= now + toleranceMs)

/** Before this no provider of prices had a clock worth quoting, and our own clock is wrong (or a test's) and proves nothing. */
export const isBeforeClocks = (timeUnixMs: number): boolean => timeUnixMs < EARLIEST_TIME_UNIX_MS

/** Whether a provider's time is to be warned of (contract 8.4). */
export const isImplausible = (timeUnixMs: number, now: number): boolean =>
  !Number.isInteger(timeUnixMs) || isBeforeClocks(timeUnixMs) || isAhead(timeUnixMs, now, CLOCK_TOLERANCE_MS)
