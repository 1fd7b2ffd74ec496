/** A mutant by its text: the line that it begins in, and what becomes of what. */
export interface KnownMutant {
  file: string
  in: string
  mutant: string
  why: string
}

export interface Survivor {
  file: string
  line: number
  in: string
  mutant: string
  isCovered: boolean
}

export interface Outcome {
  file: string
  /** How many mutants a test noticed. */
  noticed: number
  /** How many survived and are explained. */
  equivalent: number
  survivors: Survivor[]
}

interface Place {
  line: number
  column: number
}

/** The part of Stryker's report that is read. */
export interface Report {
  files: Record<
    string,
    {
      source: string
      mutants: { location: { start: Place; end: Place }; replacement?: string; status: string }[]
    }
  >
}

export function readEquivalents(): KnownMutant[]
export function outcomesOf(report: Report, equivalents: KnownMutant[]): Outcome[]
export function outdatedIn(reports: Report[], equivalents: KnownMutant[]): KnownMutant[]
export function scoreOf(outcomes: Outcome[]): number
export function summaryOf(outcomes: Outcome[]): string
export function listOf(outcomes: Outcome[]): string
