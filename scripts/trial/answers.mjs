/**
 * Shows from outside that answers have a cause, that health means something, and that stops and mistakes cost nobody else: starts a built
 * package as processes, plays providers and clients, and sends signals. Prints what it saw; exits with 1 when a line does not hold.
 *
 *   npm run trial:answers [-- <options>] [<line> ...]
 *
 * `--package <folder>` tries another build than dist/package, `--reference [--reference-folder <folder>]` tries the reference framework
 * instead, and fails for nothing; `--write` tries both and puts the rows into docs/reliability.md; `--list` names the lines.
 */
import { answers } from './lines.mjs'
import { runTrial } from './trying.mjs'

await runTrial(answers)
