import { ConfigError } from '../../../../src/public/config'
import { type ConnectorConfig, type PeerAccount, type TremorLimits } from '../..'
import { CODEC_NAME, config, type TremorSettings } from './config'

/** The connector that the settings describe. @throws ConfigError where they contradict each other */
export const connectorOf = (settings: TremorSettings): ConnectorConfig => {
  const { LISTEN, URL: url } = settings
  return LISTEN === undefined ? clientOf(settings, url ?? '') : serverOf(settings, LISTEN)
}

const serverOf = (settings: TremorSettings, address: string): ConnectorConfig => {
  const { CERT_FILE: cert, KEY_FILE: key, CLIENT_CA_FILE: clientCaFile } = settings
  const isTls = cert !== undefined || key !== undefined
  return {
    type: 'ws_server',
    definition: {
      ...stagesOf(settings),
      config: {
        url: address,
        backlog: settings.BACKLOG,
        socket_options: { TCP_NODELAY: settings.NO_DELAY },
        ...(isTls ? { tls: { cert, key } } : {}),
      },
    },
    peers: peersOf(settings.PEERS),
    clientCaFile,
    variables: {
      listen: config.variableOf('LISTEN'),
      cert: config.variableOf('CERT_FILE'),
      key: config.variableOf('KEY_FILE'),
      clientCa: config.variableOf('CLIENT_CA_FILE'),
    },
    mayAnybodyPush: settings.ALLOW_UNAUTHENTICATED === 'yes-anyone-may-push',
    limits: limitsOf(settings),
  }
}

const clientOf = (settings: TremorSettings, url: string): ConnectorConfig => {
  const { CA_FILE: cafile, SERVER_NAME: domain, CERT_FILE: cert, KEY_FILE: key } = settings
  const tls = { cafile, domain, cert, key }
  const isTls = Object.values(tls).some((value) => value !== undefined)
  return {
    type: 'ws_client',
    definition: {
      ...stagesOf(settings),
      config: {
        url,
        socket_options: { TCP_NODELAY: settings.NO_DELAY },
        ...(isTls ? { tls } : {}),
      },
    },
    headers: textsOf('HEADERS', settings.HEADERS),
    limits: limitsOf(settings),
  }
}

const stagesOf = ({ CODEC, PREPROCESSORS, POSTPROCESSORS, RECONNECT }: TremorSettings) => ({
  codec: CODEC_NAME.test(CODEC) ? CODEC : (JSON.parse(CODEC) as unknown),
  preprocessors: JSON.parse(PREPROCESSORS) as unknown,
  postprocessors: JSON.parse(POSTPROCESSORS) as unknown,
  reconnect: RECONNECT === 'none' ? 'none' : (JSON.parse(RECONNECT) as unknown),
})

const limitsOf = (settings: TremorSettings): TremorLimits => ({
  maxMessageBytes: settings.MAX_MESSAGE_BYTES,
  maxBufferedBytes: settings.MAX_BUFFERED_BYTES,
  maxMessagesPerSecond: settings.MAX_MESSAGES_PER_SECOND,
  handshakeTimeoutMs: settings.HANDSHAKE_TIMEOUT_MS,
  pingEveryMs: settings.PING_INTERVAL_MS,
  maxConnections: settings.MAX_CONNECTIONS,
  maxConnectionsPerPeer: settings.MAX_CONNECTIONS_PER_PEER,
})

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTextOrNone = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string'

const peersOf = (text: string): PeerAccount[] => {
  const given: unknown = JSON.parse(text)
  if (!Array.isArray(given)) throw new ConfigError(['PEERS: must be a list'])
  return given.map((one: unknown, at): PeerAccount => {
    const { name, rank, token, certificate: certificateName } = isRecord(one) ? one : {}
    const isWhole = typeof name === 'string' && typeof rank === 'number'
    if (!isWhole || !isTextOrNone(token) || !isTextOrNone(certificateName))
      throw new ConfigError([`PEERS: number ${at} needs name, rank, and token or certificate`])
    return { name, rank, token, certificateName }
  })
}

const textsOf = (name: string, text: string): Record<string, string> => {
  const given: unknown = JSON.parse(text)
  if (!isRecord(given) || !Object.values(given).every((value) => typeof value === 'string'))
    throw new ConfigError([`${name}: must be a record of texts`])
  return given as Record<string, string>
}

/** The common names of the assets that peers know by codes of their own. @throws ConfigError where the setting is not a record of texts */
export const assetNamesOf = ({ ASSET_NAMES }: TremorSettings): ReadonlyMap<string, string> =>
  new Map(Object.entries(textsOf('ASSET_NAMES', ASSET_NAMES)))
