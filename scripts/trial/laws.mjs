/**
 * Shows from outside that what the reference framework was seen to break is kept, as far as the other trials do not try it. Prints what it
 * saw; exits with 1 when a line does not hold, unless a later piece of work is named for it.
 *
 *   npm run trial:laws [-- <options>] [<line> ...]
 *
 * `--package <folder>` tries another build than dist/package, `--reference [--reference-folder <folder>]` tries the reference framework
 * instead, and fails for nothing; `--write` tries both and puts the rows into docs/reliability.md; `--list` names the lines.
 */
import { laws } from './lines.mjs'
import { runTrial } from './trying.mjs'

await runTrial(laws)
