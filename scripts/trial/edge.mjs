/**
 * Shows from outside that nobody can lean on the edge: starts a built package as processes, and plays clients, peers and providers that send
 * too much, too slowly or something else, and look for secrets. Prints what it saw; exits with 1 when a line does not hold.
 *
 *   npm run trial:edge [-- <options>] [<line> ...]
 *
 * `--package <folder>` tries another build than dist/package, `--reference [--reference-folder <folder>]` tries the reference framework
 * instead, and fails for nothing; `--write` tries both and puts the rows into docs/reliability.md; `--list` names the lines.
 */
import { edge } from './lines.mjs'
import { runTrial } from './trying.mjs'

await runTrial(edge)
