/**
 * Shows from outside that no feed and no connection is dead in silence: starts a built package as processes, plays the providers, which
 * forget, refuse, close and fall silent, and counts what they see. Prints what it saw; exits with 1 when a line does not hold.
 *
 *   npm run trial:alive [-- <options>] [<line> ...]
 *
 * `--package <folder>` tries another build than dist/package, `--reference [--reference-folder <folder>]` tries the reference framework
 * instead, and fails for nothing; `--write` tries both and puts the rows into docs/reliability.md; `--list` names the lines.
 */
import { alive } from './lines.mjs'
import { runTrial } from './trying.mjs'

await runTrial(alive)
