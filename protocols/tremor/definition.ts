import { DefinitionError } from './codecs/errors'
import { createInbound, type Inbound } from './codecs/inbound'
import { type CodecLimits } from './codecs/limits'
import { createOutbound, type Outbound } from './codecs/outbound'
import { type Address, parseAddress } from './address'
import { type Fields, isRecord, isWhole, Problems } from './problems'
import { parseReconnect, type Reconnect } from './reconnect'
import { parseSocketOptions } from './socket-options'
import { type ClientTls, type KeyPair, parseClientTls, parseServerTls } from './tls-definition'

interface Common {
  /** From a message to events. */
  inbound: Inbound
  /** From an event to messages. */
  outbound: Outbound
  reconnect: Reconnect
  address: Address
  /** Small messages are sent at once, rather than collected for a moment by the system. */
  noDelay: boolean
}

export interface ServerDefinition extends Common {
  tls: KeyPair | undefined
  /** Connections the system holds until they are accepted. */
  backlog: number
}

export interface ClientDefinition extends Common {
  tls: ClientTls | undefined
}

const DEFAULT_BACKLOG = 128
const MAX_BACKLOG = 2 ** 31 - 1

/** Reads what an operator wrote (tremor 2 and 4). @throws ConfigError with everything that is wrong with it */
export const parseClientDefinition = (given: unknown, limits?: Partial<CodecLimits>): ClientDefinition => {
  const problems = new Problems('ws_client')
  const { config, ...parts } = parseParts(given, 'event', problems, limits)
  problems.unknownKeys('config', config, ['url', 'tls', 'socket_options', 'no_delay'])
  const noDelay = parseSocketOptions(config.socket_options, config.no_delay, problems)
  const tls = parseClientTls(config.tls, parts.address, problems)
  return { ...whole(parts, problems), noDelay, tls }
}

/** The same for a server (tremor 2 and 3). @throws ConfigError with everything that is wrong with it */
export const parseServerDefinition = (given: unknown, limits?: Partial<CodecLimits>): ServerDefinition => {
  const problems = new Problems('ws_server')
  const { config, ...parts } = parseParts(given, 'stream', problems, limits)
  problems.unknownKeys('config', config, ['url', 'tls', 'backlog', 'socket_options'])
  const noDelay = parseSocketOptions(config.socket_options, undefined, problems)
  const tls = parseServerTls(config.tls, problems)
  const { backlog = DEFAULT_BACKLOG } = config
  if (!isWhole(backlog) || backlog < 1 || backlog > MAX_BACKLOG)
    problems.add('config.backlog', `must be a whole number from 1 to ${MAX_BACKLOG}`)
  return { ...whole(parts, problems), noDelay, tls, backlog: backlog as number }
}

/** What both kinds have; undefined is what could not be read, and then there is a problem. */
type Parts = Pick<Common, 'reconnect'> & { [K in 'inbound' | 'outbound' | 'address']: Common[K] | undefined }

const whole = (parts: Parts, problems: Problems): Omit<Common, 'noDelay'> => {
  problems.throwIfAny()
  return parts as Common
}

const parseParts = (
  given: unknown,
  life: 'stream' | 'event',
  problems: Problems,
  limits?: Partial<CodecLimits>,
): Parts & { config: Fields } => {
  const definition = isRecord(given) ? given : {}
  const config = isRecord(definition.config) ? definition.config : {}
  if (!isRecord(definition.config)) problems.add('config', 'a record is needed')
  const { metrics_interval_s: metricsInterval = 0 } = definition
  if (!isWhole(metricsInterval) || metricsInterval < 0)
    problems.add('metrics_interval_s', 'must be a whole number')
  const address = typeof config.url === 'string' ? parseAddress(config.url) : undefined
  if (address === undefined) problems.add('config.url', 'must be an address of a WebSocket, without a user')
  return {
    config,
    inbound: attempt(problems, () => createInbound(definition, limits)),
    outbound: attempt(problems, () => createOutbound(definition, { life, limits })),
    reconnect: parseReconnect(definition.reconnect, problems),
    address,
  }
}

const attempt = <T>(problems: Problems, create: () => T): T | undefined => {
  try {
    return create()
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    problems.note(error.message)
    return undefined
  }
}
