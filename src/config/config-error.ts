/** Settings with which the process must not start: all problems at once, never with the value of a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError'

  /** @param problems - one line each, as `<NAME>: <what is wrong>` */
  constructor(readonly problems: readonly string[]) {
    super(`Validation failed for the following variables:\n${problems.join('\n')}`)
  }
}
