import { AdapterConfig } from './adapter-config'
import { type AdapterSettings } from './settings'

/**
 * Reads the framework's settings without any adapter, so without a prefix or an adapter's defaults: where and how the service listens.
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
