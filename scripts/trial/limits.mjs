/** How long things last in the trial, in ms. */

export const SECOND_MS = 1_000
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** For how long a value, a subscription and a silent connection last here. */
export const LIFE_MS = 2_000
/** How late the end of it may be noticed; the machine may be busy. */
export const SLACK_MS = 1_500
/** Processes look every now and then, and frames take a moment. */
export const EARLY_MS = 300
/** A frame that was sent has been dealt with after this. */
export const SETTLED_MS = 250
