import { type Redis } from 'ioredis'
import { sleep } from '../util/sleep'
import { CMD_SENT_STATUS, recordRedisCommandMetric } from '../metrics/labels'

const UNEXPECTED = 'There was an unexpected error with the Redis cache'

/** How long a command may wait for a connection where the client does not say. */
const DEFAULT_PATIENCE_MS = 500

/** Redis could not be asked, or did not answer in time. What it answers itself is a `ReplyError` of the client. */
export class RedisError extends Error {
  override name = 'RedisError'

  constructor(reason: string) {
    super(UNEXPECTED, { cause: new Error(reason) })
  }
}

/** Redis failed, in either way. */
export const isErrorOfRedis = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'RedisError' || error.name === 'ReplyError')

/** What is read of a client; test doubles have none of it, and count as connected. */
type Connection = {
  status?: Redis['status']
  options?: { commandTimeout?: number }
  once?: (event: 'ready', listener: () => void) => unknown
}

const CLOSED: unique symbol = Symbol('tickwell.redisClosed')
const PATIENCE: unique symbol = Symbol('tickwell.redisPatience')

export type Client = Connection & { [CLOSED]?: boolean; [PATIENCE]?: Promise<void> | undefined }

/** From now on nothing more is sent through this client. */
export const markClosed = (client: Client): void => {
  client[CLOSED] = true
}

export const isClosed = (client: Client): boolean => client[CLOSED] === true

/** True when a command goes out now; else it would wait in the client, and be sent whenever a connection comes. */
export const isConnected = (client: Client): boolean => {
  const { status } = client
  return (status === undefined || status === 'ready') && !isClosed(client)
}

/** A connection that is being made, or made again, may take as long as a command may; whoever asks after that does not wait. */
const patienceOf = (client: Client): Promise<void> =>
  (client[PATIENCE] ??= new Promise((resolve) => {
    const over = new AbortController()
    client.once?.('ready', () => {
      client[PATIENCE] = undefined
      over.abort()
    })
    void sleep(client.options?.commandTimeout ?? DEFAULT_PATIENCE_MS, over.signal).then(resolve)
  }))

/**
 * Takes the command off an error of the client: its arguments may be a password, and logs print what errors carry.
 */
const withoutCommand = (error: unknown): Error => {
  if (!(error instanceof Error) || error.name !== 'ReplyError')
    return error instanceof RedisError
      ? error
      : new RedisError(error instanceof Error ? error.message : String(error))
  Reflect.deleteProperty(error, 'command')
  return error
}

/**
 * Runs a command once there is a connection: at once when there is one, so that commands keep their order. A command never waits in the
 * client for a connection, because what was written before an outage must not be written after it.
 *
 * @throws RedisError, or the `ReplyError` that Redis answered with
 */
export const whenConnected = async <R>(client: Client, command: () => Promise<R>): Promise<R> => {
  if (!isConnected(client)) {
    if (!isClosed(client)) await patienceOf(client)
    if (!isConnected(client)) throw new RedisError('Redis is not connected')
  }
  try {
    return await command()
  } catch (error) {
    throw withoutCommand(error)
  }
}

/** {@link whenConnected}, counted in `redis_commands_sent_count` under a name of contract 8.1. */
export const redisCommand = async <R>(
  client: Client,
  functionName: string,
  command: () => Promise<R>,
): Promise<R> => {
  try {
    const reply = await whenConnected(client, command)
    recordRedisCommandMetric(CMD_SENT_STATUS.SUCCESS, functionName)
    return reply
  } catch (error) {
    recordRedisCommandMetric(CMD_SENT_STATUS.FAIL, functionName)
    throw error
  }
}
