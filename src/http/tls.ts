import { pemText } from '../config/pem'
import { type AdapterSettings } from '../config/settings'

export interface httpsOptions {
  https: {
    key: string
    cert: string
    ca: string
    passphrase?: string
    requestCert: boolean
  }
}

/**
 * Server options for `TLS_ENABLED` or `MTLS_ENABLED` (contract 6.7); empty when neither is set. Keys and certificates may be PEM or
 * base64 of PEM.
 *
 * @throws Error when both are set, or key, certificate or CA is missing
 */
export const getTLSOptions = (adapterSettings: AdapterSettings): httpsOptions | { https?: undefined } => {
  const { TLS_ENABLED, MTLS_ENABLED, TLS_PRIVATE_KEY, TLS_PUBLIC_KEY, TLS_CA, TLS_PASSPHRASE } =
    adapterSettings
  if (TLS_ENABLED && MTLS_ENABLED) throw new Error('TLS_ENABLED and MTLS_ENABLED cannot both be set to true.')
  if (!TLS_ENABLED && !MTLS_ENABLED) return {}
  if (!TLS_PRIVATE_KEY || !TLS_PUBLIC_KEY || !TLS_CA) {
    const flag = TLS_ENABLED ? 'TLS_ENABLED' : 'MTLS_ENABLED'
    throw new Error(
      `TLS_PRIVATE_KEY, TLS_PUBLIC_KEY, and TLS_CA environment variables are required when ${flag} is set to true.`,
    )
  }
  return {
    https: {
      key: pemText(TLS_PRIVATE_KEY),
      cert: pemText(TLS_PUBLIC_KEY),
      ca: pemText(TLS_CA),
      passphrase: TLS_PASSPHRASE,
      requestCert: MTLS_ENABLED,
    },
  }
}
