/**
 * The lines of the trial. Each has a name, the laws that it is about, what happens and what is right, and cases: the same for several ways
 * in which values come. A case runs on a bench and says whether it was right, and what was seen; `only: 'ours'` marks what the reference
 * framework does not have.
 */
import { clockLines } from './clock-lines.mjs'
import { lifeLines } from './life-lines.mjs'
import { restartLines } from './restart-lines.mjs'
import { valueLines } from './value-lines.mjs'
import { venueLines } from './venue-lines.mjs'

export const lines = [...lifeLines, ...clockLines, ...valueLines, ...venueLines, ...restartLines]
