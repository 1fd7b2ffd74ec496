/**
 * Shows from outside that nothing wrong and nothing old is served as good: starts a built package as processes, plays the providers, and
 * moves the wall clock of the processes while they run. Prints what it saw; exits with 1 when a line does not hold.
 *
 *   npm run trial:stale [-- <options>] [<line> ...]
 *
 * `--package <folder>` tries another build than dist/package, `--reference [--reference-folder <folder>]` tries the reference framework
 * instead, and fails for nothing; `--write` tries both and puts the rows into docs/reliability.md; `--list` names the lines.
 */
import { stale } from './lines.mjs'
import { runTrial } from './trying.mjs'

await runTrial(stale)
