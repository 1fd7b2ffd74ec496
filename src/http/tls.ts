import { pemText } from '../config/pem'
import { type AdapterSettings } from '../config/settings'
import { tlsSetupProblem } from '../config/tls-problems'

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
  const problem = tlsSetupProblem(adapterSettings)
  if (problem !== undefined) throw new Error(problem)
  if (!TLS_PRIVATE_KEY || !TLS_PUBLIC_KEY || !TLS_CA || !(TLS_ENABLED || MTLS_ENABLED)) return {}
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
