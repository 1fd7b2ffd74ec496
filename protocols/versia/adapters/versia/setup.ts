import { parseSigners, type VersiaConnect, type VersiaListen, type VersiaOptions } from '../..'
import { config } from './config'

type Settings = typeof config.settings

const connectOf = (settings: Settings): VersiaConnect | undefined => {
  const {
    WS_API_ENDPOINT: url,
    INSTANCE_NAME: signedBy,
    INSTANCE_KEY: privateKey,
    WS_TOKEN: token,
  } = settings
  const { WS_TLS_CA: ca, WS_TLS_CERT: cert, WS_TLS_KEY: key } = settings
  if (!url) return undefined
  return {
    url,
    tls: { ca, cert, key },
    variables: {
      ca: config.variableOf('WS_TLS_CA'),
      cert: config.variableOf('WS_TLS_CERT'),
      key: config.variableOf('WS_TLS_KEY'),
    },
    ...(token ? { headers: { authorization: `Bearer ${token}` } } : {}),
    // One without the other is a mistake that is told at the start.
    ...(signedBy || privateKey
      ? { instance: { signedBy: signedBy ?? '', privateKey: privateKey ?? '' } }
      : {}),
  }
}

const listenOf = (settings: Settings): VersiaListen | undefined => {
  const { LISTEN_PORT: port, LISTEN_HOST: host, LISTEN_TOKEN: token } = settings
  const { LISTEN_TLS_CERT: cert, LISTEN_TLS_KEY: key, LISTEN_TLS_CA: ca } = settings
  if (port === undefined) return undefined
  return {
    host,
    port,
    token: token || undefined,
    maxConnections: settings.LISTEN_MAX_CONNECTIONS,
    variables: {
      host: config.variableOf('LISTEN_HOST'),
      port: config.variableOf('LISTEN_PORT'),
      cert: config.variableOf('LISTEN_TLS_CERT'),
      key: config.variableOf('LISTEN_TLS_KEY'),
      ca: config.variableOf('LISTEN_TLS_CA'),
    },
    ...(cert || key || ca ? { tls: { cert: cert ?? '', key: key ?? '', ca } } : {}),
  }
}

/** What the settings say of the source. */
export const optionsOf = (settings: Settings): VersiaOptions => ({
  connect: connectOf(settings),
  listen: listenOf(settings),
  version: settings.VERSION,
  signaturePath: settings.SIGNATURE_PATH || undefined,
  signers: parseSigners(settings.SIGNERS),
  priceType: settings.PRICE_TYPE,
  // Whoever could give us keys could give us prices: the same authorities vouch for both.
  discovery: settings.DISCOVERY
    ? { ca: settings.WS_TLS_CA || undefined, variable: config.variableOf('WS_TLS_CA') }
    : undefined,
  allowLoopback: settings.ALLOW_LOOPBACK,
  aheadToleranceMs: settings.AHEAD_TOLERANCE_MS,
})
