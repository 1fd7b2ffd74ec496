/** A change of the code that breaks a law. */
export interface LawMutant {
  law: string
  file: string
  /** Is exactly once in the file. */
  find: string
  replace: string
  /** The file with tests whose titles begin with the law, and which have to notice. */
  test: string
  /** What would be wrong, for people. */
  breaks: string
}

/** The part of vitest's report as JSON that is read. */
export interface TestReport {
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[]
}

export type Verdict = 'noticed' | 'endless' | 'survived' | 'unrun'

export const SECTIONS: string[]
export function readLawMutants(): LawMutant[]
export function titlesOf(laws: string[]): string
export function mutated(text: string, mutant: LawMutant): string
export function verdictOf(report: TestReport | undefined): Verdict
export function unfitIn(report: TestReport | undefined, mutants: LawMutant[]): string[]
