import { type Trial } from './lines.mjs'

/** By law, what is missing where it is not kept as a whole yet. */
export const waits: Record<string, string>
export function rowsOf(page: string, table: string): string[][]
/** For each law that the reference was seen to break: its name, the lines that try it, ours, the reference. */
export function markedRows(page: string, trials: Trial[]): string[][]
