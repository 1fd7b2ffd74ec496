import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type SettingProblem } from './config-error'
import { messageOf } from '../util/objects'
import { isPemFile, readPem } from './pem'
import { type BaseAdapterSettings } from './settings'

type TlsSettings = Pick<
  BaseAdapterSettings,
  'TLS_ENABLED' | 'MTLS_ENABLED' | 'TLS_PRIVATE_KEY' | 'TLS_PUBLIC_KEY' | 'TLS_CA' | 'TLS_PASSPHRASE'
>

/** The problem when TLS settings are missing or exclude each other, in the words of contract 6.7; undefined when there is none. */
export const tlsSetupProblem = (settings: TlsSettings): string | undefined => {
  const { TLS_ENABLED, MTLS_ENABLED, TLS_PRIVATE_KEY, TLS_PUBLIC_KEY, TLS_CA } = settings
  if (TLS_ENABLED && MTLS_ENABLED) return 'TLS_ENABLED and MTLS_ENABLED cannot both be set to true.'
  if (!TLS_ENABLED && !MTLS_ENABLED) return undefined
  if (TLS_PRIVATE_KEY && TLS_PUBLIC_KEY && TLS_CA) return undefined
  const flag = TLS_ENABLED ? 'TLS_ENABLED' : 'MTLS_ENABLED'
  return `TLS_PRIVATE_KEY, TLS_PUBLIC_KEY, and TLS_CA environment variables are required when ${flag} is set to true.`
}

/** The problems that would make a server fail with these TLS settings. There are none where TLS is off, because nothing reads them then. */
export const tlsProblems = (
  settings: TlsSettings,
  variableOf: (name: string) => string,
): SettingProblem[] => {
  if (!settings.TLS_ENABLED && !settings.MTLS_ENABLED) return []
  const setup = tlsSetupProblem(settings)
  const flag = variableOf(settings.TLS_ENABLED ? 'TLS_ENABLED' : 'MTLS_ENABLED')
  if (setup !== undefined) return [{ variable: flag, problem: setup, isWhole: true }]
  return materialProblems(settings).map(([name, problem]) => ({ variable: variableOf(name), problem }))
}

const materialProblems = (settings: TlsSettings): [name: string, problem: string][] => {
  const { TLS_PUBLIC_KEY = '', TLS_CA = '', TLS_PRIVATE_KEY = '', TLS_PASSPHRASE: passphrase } = settings
  const certificate = attempt(() => new X509Certificate(readPem(TLS_PUBLIC_KEY)))
  const authority = attempt(() => new X509Certificate(readPem(TLS_CA)))
  const key = attempt(() => createPrivateKey({ key: readPem(TLS_PRIVATE_KEY), passphrase }))
  const problems: [string, string][] = []
  if (key === undefined)
    problems.push([
      'TLS_PRIVATE_KEY',
      unreadable(TLS_PRIVATE_KEY) ??
        'Value must be a private key as PEM or base64 of PEM, and TLS_PASSPHRASE that of the key',
    ])
  if (certificate === undefined)
    problems.push(['TLS_PUBLIC_KEY', unreadable(TLS_PUBLIC_KEY) ?? NO_CERTIFICATE])
  else if (key !== undefined && !certificate.checkPrivateKey(key))
    problems.push(['TLS_PUBLIC_KEY', 'Value must be the certificate of the key in TLS_PRIVATE_KEY'])
  if (authority === undefined) problems.push(['TLS_CA', unreadable(TLS_CA) ?? NO_CERTIFICATE])
  return problems
}

const NO_CERTIFICATE = 'Value must be a certificate as PEM or base64 of PEM'

/** What is wrong with a file; undefined where it can be read, and for what is no path. */
const unreadable = (value: string): string | undefined => {
  if (!isPemFile(value)) return undefined
  try {
    readPem(value)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

const attempt = <T>(make: () => T): T | undefined => {
  try {
    return make()
  } catch {
    return undefined
  }
}
