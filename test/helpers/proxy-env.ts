import { vi } from 'vitest'

const NAMES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']

/** Makes these all there is of the variables that name proxies. Undone by `vi.unstubAllEnvs()`. */
export const onlyProxies = (variables: Record<string, string>): void => {
  for (const name of NAMES.flatMap((one) => [one, one.toUpperCase()])) vi.stubEnv(name, variables[name] ?? '')
}
