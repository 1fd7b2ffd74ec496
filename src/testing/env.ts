import './disposal'

/** Variables and their values; undefined removes a variable. */
export type Variables = Readonly<Record<string, string | undefined>>

/** Changed environment variables. `restore`, or the end of a `using` block, sets them back; a second call does nothing. */
export interface ChangedEnv extends Disposable {
  restore: () => void
}

const assign = (name: string, value: string | undefined): void => {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

const isThere = (name: string): boolean => (process.env[name] ?? '') !== ''

/**
 * Sets environment variables until they are restored. Settings are read when an adapter is constructed, so set them before. The
 * whole process has one environment, so restore nested changes in reverse order.
 *
 * @param options.onlyUnset - leaves variables alone that have a value already
 * @example
 * using _ = withEnv({ WS_API_ENDPOINT: provider.url, CACHE_MAX_AGE: '1000', API_KEY: undefined })
 */
export const withEnv = (variables: Variables, options: { onlyUnset?: boolean } = {}): ChangedEnv => {
  const names = Object.keys(variables).filter((name) => options.onlyUnset !== true || !isThere(name))
  const before = names.map((name) => [name, process.env[name]] as const)
  for (const name of names) assign(name, variables[name])
  let isRestored = false
  const restore = () => {
    if (isRestored) return
    isRestored = true
    for (const [name, value] of before) assign(name, value)
  }
  return { restore, [Symbol.dispose]: restore }
}

/** Assigns environment variables without restoring them, as tests do before they load an adapter. It removes none. */
export const setEnvVariables = (envVariables: NodeJS.ProcessEnv): void => {
  for (const [name, value] of Object.entries(envVariables)) if (value !== undefined) process.env[name] = value
}
