import { AdapterConfig } from './adapter-config'
import { type AdapterSettings } from './settings'

/**
 * The framework's settings as they are for no adapter in particular: where the service listens, and how.
 *
 * @throws ConfigError with all bad settings
 */
export const readServerSettings = (): AdapterSettings => {
  const config = new AdapterConfig({})
  config.initialize()
  config.validate()
  return config.settings
}

export { isMeasured } from './measured'
