/**
 * The settings, or the code of an adapter, are such that the process must not start. The error names all problems at once, and never the value
 * of a secret. It has no stack: operators cannot use one, and of a mistake it would show where it was found, not where it was made.
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

/** A problem with one setting. */
export interface SettingProblem {
  /** The variable that was set, with its prefix; if none was set, the one that can be set. */
  variable: string
  problem: string
  /** True if contract 7.1 or 6.7 gives this text as the whole message of a plain Error. It is used so where it is the only problem. */
  isWhole?: boolean
}

const refused = new WeakMap<Error, readonly SettingProblem[]>()

/** Makes the plain Error of contract 7.1, for values that are refused before the other settings are checked. It has no stack. */
export const refusal = (problems: readonly SettingProblem[]): Error => {
  const error = new Error(problems[0]?.problem)
  error.stack = String(error)
  refused.set(error, problems)
  return error
}

/** The problems of an error that {@link refusal} made; undefined for any other error. */
export const refusedBy = (error: unknown): readonly SettingProblem[] | undefined =>
  error instanceof Error ? refused.get(error) : undefined

const lineOf = ({ variable, problem }: SettingProblem) => `${variable}: ${problem}`

/** The problem lines of an error about settings; undefined for any other error. */
export const problemsIn = (error: unknown): readonly string[] | undefined =>
  error instanceof ConfigError ? error.problems : refusedBy(error)?.map(lineOf)

/** @throws ConfigError with all problems, if there are any; a plain Error for a single problem where the contract demands it */
export const refuse = (problems: readonly SettingProblem[]): void => {
  if (problems.length === 0) return
  if (problems.length === 1 && problems[0]?.isWhole === true) throw refusal(problems)
  throw new ConfigError([...new Set(problems.map(lineOf))])
}
