/** Files that are mutated together, and globs of the tests that have to notice. */
export interface Group {
  name: string
  files: string[]
  tests: string[]
}

export const groups: Group[]
export function groupsOf(files: string[]): Group[]
