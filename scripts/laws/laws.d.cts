import { type LawMutant } from '../mutants/law-mutants.mjs' with { 'resolution-mode': 'import' }

/** A law of `docs/contributing/invariants.md`. */
export interface Law {
  id: string
  /** The letters of its ID. */
  section: string
  name: string
  /** A: always. S: unless a ported adapter says otherwise. O: where the feature is there. */
  level: 'A' | 'S' | 'O'
  /** Whether the page says that the reference framework was seen to break it. */
  failsInReference: boolean
}

export interface LawTest {
  file: string
  title: string
}

export const laws: Law[]
/** By ID or section, why laws have no tests or no mutants. */
export const explained: Record<string, string>
export function explanationOf(law: Law): string | undefined
/** The texts of a file that begin with IDs of laws, which are titles of tests. */
export function titlesIn(text: string): { ids: string[]; title: string }[]
/** The tests whose titles begin with a law, by its ID. */
export function testsByLaw(): Map<string, LawTest[]>
export function coverage(
  mutants: LawMutant[],
): (Law & { tests: LawTest[]; mutants: LawMutant[]; explained?: string })[]
