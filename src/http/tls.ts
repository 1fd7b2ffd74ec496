import { type Server as TlsServer } from 'node:tls'
import { type FastifyInstance } from 'fastify'
import { readPem } from '../config/pem'
import { type AdapterSettings } from '../config/settings'
import { tlsProblems, tlsSetupProblem } from '../config/tls-problems'
import { CertificateRenewal, tlsOriginOf } from '../connections/certificate-renewal'
import { type Heartbeats } from '../util/heartbeats'

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
 * Server options for `TLS_ENABLED` or `MTLS_ENABLED` (contract 6.7); empty when neither is set. Keys and certificates may be PEM,
 * base64 of PEM, or the path of a file with that, which is read here.
 *
 * @throws Error when both are set, when key, certificate or CA is missing, and for a file that cannot be read
 */
export const getTLSOptions = (adapterSettings: AdapterSettings): httpsOptions | { https?: undefined } => {
  const { TLS_ENABLED, MTLS_ENABLED, TLS_PRIVATE_KEY, TLS_PUBLIC_KEY, TLS_CA, TLS_PASSPHRASE } =
    adapterSettings
  const problem = tlsSetupProblem(adapterSettings)
  if (problem !== undefined) throw new Error(problem)
  if (!TLS_PRIVATE_KEY || !TLS_PUBLIC_KEY || !TLS_CA || !(TLS_ENABLED || MTLS_ENABLED)) return {}
  return {
    https: {
      key: readPem(TLS_PRIVATE_KEY),
      cert: readPem(TLS_PUBLIC_KEY),
      ca: readPem(TLS_CA),
      passphrase: TLS_PASSPHRASE,
      requestCert: MTLS_ENABLED,
    },
  }
}

/** Keeps the certificate of servers with these settings as its files have it, while they listen. Does nothing without TLS. */
export const renewCertificate = (
  settings: AdapterSettings,
  servers: () => readonly [TlsServer, ...TlsServer[]],
  loops?: Heartbeats,
): void => {
  const { https } = getTLSOptions(settings)
  if (https === undefined) return
  const {
    TLS_PRIVATE_KEY: key = '',
    TLS_PUBLIC_KEY: cert = '',
    TLS_CA: ca,
    TLS_PASSPHRASE: passphrase,
  } = settings
  const origin = tlsOriginOf({ cert, key, ca, passphrase })
  const read = () => {
    const [problem] = tlsProblems(settings, (name) => name)
    if (problem !== undefined) throw new Error(`${problem.variable}: ${problem.problem}`)
    return origin.read()
  }
  new CertificateRenewal(servers, { ...origin, read }, https, loops)
}

const isTlsServer = (server: object): server is TlsServer => 'setSecureContext' in server

/** All servers of an app: for `localhost` it has one for each of its addresses. */
const serversOf = (app: FastifyInstance): TlsServer[] => {
  const bindings = Object.getOwnPropertySymbols(app).find(
    ({ description }) => description === 'fastify.serverBindings',
  )
  const further = bindings === undefined ? [] : (Reflect.get(app, bindings) as object[])
  return [app.server, ...further].filter(isTlsServer)
}

/** The same for the servers of an app. */
export const renewCertificateOf = (
  app: FastifyInstance,
  settings: AdapterSettings,
  loops?: Heartbeats,
): void => {
  const [first] = serversOf(app)
  if (first !== undefined) renewCertificate(settings, () => [first, ...serversOf(app).slice(1)], loops)
}
