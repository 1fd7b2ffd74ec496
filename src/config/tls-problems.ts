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
  const { TLS_PUBLIC_KEY: cert = '', TLS_CA: ca = '', TLS_PRIVATE_KEY: key = '' } = settings
  const given = { cert, ca, key, passphrase: settings.TLS_PASSPHRASE }
  return keyMaterialProblems(given, {
    cert: variableOf('TLS_PUBLIC_KEY'),
    key: variableOf('TLS_PRIVATE_KEY'),
    ca: variableOf('TLS_CA'),
    passphrase: variableOf('TLS_PASSPHRASE'),
  })
}

/** What a server or client shows and trusts: each as PEM, base64 of PEM, or the path of a file with that. */
export interface KeyMaterial {
  cert: string
  key: string
  ca?: string | undefined
  passphrase?: string | undefined
}

/** What is wrong with key material, by the variables that give it. */
export const keyMaterialProblems = (
  given: KeyMaterial,
  names: { cert: string; key: string; ca: string; passphrase?: string },
): SettingProblem[] => {
  const { cert, key: keyText, ca, passphrase } = given
  const certificate = attempt(() => new X509Certificate(readPem(cert)))
  const key = attempt(() => createPrivateKey({ key: readPem(keyText), passphrase }))
  const problems: SettingProblem[] = []
  const add = (variable: string, problem: string): void => void problems.push({ variable, problem })
  const itsPassphrase = names.passphrase === undefined ? '' : `, and ${names.passphrase} that of the key`
  if (key === undefined)
    add(
      names.key,
      unreadable(keyText) ?? `Value must be a private key as PEM or base64 of PEM${itsPassphrase}`,
    )
  if (certificate === undefined) add(names.cert, unreadable(cert) ?? NO_CERTIFICATE)
  else if (key !== undefined && !certificate.checkPrivateKey(key))
    add(names.cert, `Value must be the certificate of the key in ${names.key}`)
  if (ca !== undefined && attempt(() => new X509Certificate(readPem(ca))) === undefined)
    add(names.ca, unreadable(ca) ?? NO_CERTIFICATE)
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
