import { type Line } from './lines.mjs'

/** What the row of a line begins with: all of it that is not measured. */
export function plannedCells(line: Line): string[]
