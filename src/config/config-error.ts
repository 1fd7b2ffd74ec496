/**
 * Settings with which the process must not start: all problems at once, never with the value of a secret. It is for an operator, who has
 * no use for a stack: there is none.
 */
export class ConfigError extends Error {
  override name = 'ConfigError'

  /**
   * @param problems - one line each, as `<VARIABLE>: <what is wrong>`
   * @param message - what the contract has as the whole text of the one problem there is
   */
  constructor(
    readonly problems: readonly string[],
    message = `Validation failed for the following variables:\n${problems.join('\n')}`,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.stack = `ConfigError: ${message}`
  }
}

/** What is wrong with one setting. */
export interface SettingProblem {
  /** The variable that was set, prefix included; where none was, the one to set. */
  variable: string
  problem: string
  /** What the contract has as the whole message, where nothing else is wrong. */
  alone?: string
}

const refused = new WeakMap<Error, readonly SettingProblem[]>()

/** A plain Error as contract 7.1 has it, for values that are refused before the others have been looked at. */
export const refusal = (problems: readonly SettingProblem[]): Error => {
  const error = new Error(problems[0]?.problem)
  error.stack = String(error)
  refused.set(error, problems)
  return error
}

/** What was refused at once, undefined for an error of another kind. */
export const refusedBy = (error: unknown): readonly SettingProblem[] | undefined =>
  error instanceof Error ? refused.get(error) : undefined

const lineOf = ({ variable, problem }: SettingProblem) => `${variable}: ${problem}`

/** The lines of an error that says what is wrong with settings, undefined for an error of another kind. */
export const problemsIn = (error: unknown): readonly string[] | undefined =>
  error instanceof ConfigError ? error.problems : refusedBy(error)?.map(lineOf)

/** @throws ConfigError with all problems, if there are any */
export const refuse = (problems: readonly SettingProblem[]): void => {
  if (problems.length === 0) return
  const lines = new Set(problems.map(lineOf))
  throw new ConfigError([...lines], problems.length === 1 ? problems[0]?.alone : undefined)
}
