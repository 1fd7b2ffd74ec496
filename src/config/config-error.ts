/**
 * Settings with which the process must not start: all problems at once, never with the value of a secret. It is for an operator, who has
 * no use for a stack: there is none.
 */
export class ConfigError extends Error {
  override name = 'ConfigError'

  /** @param problems - one line each, as `<VARIABLE>: <what is wrong>` */
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
  /** The contract has it as the whole message of a plain Error, where nothing else is wrong. */
  isWhole?: boolean
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

/** @throws ConfigError with all problems, if there are any; a plain Error where the contract has one */
export const refuse = (problems: readonly SettingProblem[]): void => {
  if (problems.length === 0) return
  if (problems.length === 1 && problems[0]?.isWhole === true) throw refusal(problems)
  throw new ConfigError([...new Set(problems.map(lineOf))])
}
