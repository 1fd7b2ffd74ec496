import { makeLogger } from '../../src/util/logging'
import { type TlsOrigin } from '../../src/connections/certificate-renewal'
import { isLoopback } from '../../src/connections/peer-tokens'
import { admission } from './admission'
import { type Connector, type ConnectorPorts } from './connector'
import { parseClientDefinition, parseServerDefinition } from './definition'
import { type ConnectorConfig, type WsClientConfig, type WsServerConfig } from './options'
import { type Reconnect } from './reconnect'
import { loadClientAuthorities, loadClientTls, loadServerTls } from './tls-files'
import { type KeyPair } from './tls-definition'
import { WsClient } from './ws-client'
import { WsServer } from './ws-server'

const logger = makeLogger('Connector')

const MEBIBYTE = 1_048_576

/** Peers share our time; a provider was chosen, and may bring a whole market. */
const DEFAULTS_OF = {
  ws_server: { maxMessagesPerSecond: 1_000, maxBytesPerSecond: 8 * MEBIBYTE, maxBusyShare: 0.25 },
  ws_client: { maxMessagesPerSecond: 20_000, maxBytesPerSecond: 64 * MEBIBYTE, maxBusyShare: 0.75 },
}

/** Of content that a provider may send: the whole of a market in one message. */
const PROVIDER_CODEC_LIMITS = { maxValues: 500_000 }

const DEFAULT_LIMITS = {
  maxMessageBytes: MEBIBYTE,
  maxBufferedBytes: MEBIBYTE,
  handshakeTimeoutMs: 10_000,
  pingEveryMs: 30_000,
  maxMissedPongs: 2,
  maxConnections: 100,
  maxConnectionsPerPeer: 10,
}

/** The rest of what a connector needs. */
export interface Surroundings extends ConnectorPorts {
  alias: string
  random: () => number
}

/**
 * Makes what an operator has defined, and does not begin it yet.
 *
 * @throws ConfigError for a definition, a file or a list of peers that is no good
 */
export const createConnector = async (config: ConnectorConfig, around: Surroundings): Promise<Connector> =>
  config.type === 'ws_client' ? createClient(config, around) : createServer(config, around)

const createClient = async (config: WsClientConfig, around: Surroundings): Promise<Connector> => {
  const definition = parseClientDefinition(config.definition, {
    ...PROVIDER_CODEC_LIMITS,
    ...config.limits?.codec,
  })
  warnOfHotLoop(definition.reconnect)
  const tls = definition.tls && loadClientTls(definition.tls)
  await Promise.all([definition.inbound.prepare(), definition.outbound.prepare()])
  return new WsClient({
    ...around,
    definition,
    tls,
    headers: config.headers ?? {},
    limits: limitsOf(config),
  })
}

const createServer = async (config: WsServerConfig, around: Surroundings): Promise<Connector> => {
  const { peers = [], clientCaFile, mayAnybodyPush = false, variables } = config
  const definition = parseServerDefinition(config.definition, config.limits?.codec)
  warnOfHotLoop(definition.reconnect)
  const origin = definition.tls && serverTls(definition.tls, clientCaFile, variables)
  const tls = origin && { ...origin.read(), origin }
  const authenticate = admission({
    host: definition.address.host,
    accounts: peers,
    asksForCertificates: tls !== undefined && clientCaFile !== undefined,
    mayAnybodyPush,
  })
  if (
    tls === undefined &&
    peers.some(({ token }) => token !== undefined) &&
    !isLoopback(definition.address.host)
  )
    logger.warn('Peers show their tokens unencrypted, unless something in front of the listener ends TLS')
  await Promise.all([definition.inbound.prepare(), definition.outbound.prepare()])
  return new WsServer({
    ...around,
    definition,
    tls,
    authenticate,
    admitsStrangers: peers.length === 0,
    limits: limitsOf(config),
  })
}

/** Where the listener has its certificate from, as long as it listens. */
const serverTls = (
  files: KeyPair,
  clientCaFile: string | undefined,
  variables: WsServerConfig['variables'],
): TlsOrigin => ({
  files: [files.cert, files.key, ...(clientCaFile === undefined ? [] : [clientCaFile])],
  read: () => ({
    ...loadServerTls(files, variables),
    ...(clientCaFile === undefined ? {} : { ca: loadClientAuthorities(clientCaFile, variables) }),
  }),
})

/** One that is undefined is not given. */
const limitsOf = ({ type, limits = {} }: ConnectorConfig) => {
  const defaults = { ...DEFAULT_LIMITS, ...DEFAULTS_OF[type] }
  const given = Object.entries(limits).filter(([, value]) => value !== undefined)
  return { ...defaults, ...(Object.fromEntries(given) as Partial<typeof defaults>) }
}

const warnOfHotLoop = (reconnect: Reconnect): void => {
  if (reconnect.strategy === 'retry' && (reconnect.growthRate < 1 || reconnect.intervalMs === 0))
    logger.warn('The waits between attempts to connect go down to nothing: see interval_ms and growth_rate')
}
