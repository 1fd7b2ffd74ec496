import { type Redis } from 'ioredis'
import { sleep } from '../util/sleep'
import { type App, CMD_SENT_STATUS, recordRedisCommandMetric } from '../metrics/labels'

const UNEXPECTED = 'There was an unexpected error with the Redis cache'

/** How long a command may wait for a connection, if the client has no `commandTimeout`. */
const DEFAULT_PATIENCE_MS = 500

/** Redis could not be asked, or did not answer in time. An error that Redis answers with is a `ReplyError` of the client. */
export class RedisError extends Error {
  override name = 'RedisError'

  constructor(reason: string) {
    super(UNEXPECTED, { cause: new Error(reason) })
  }
}

/** Whether an error is one of these two kinds. */
export const isErrorOfRedis = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'RedisError' || error.name === 'ReplyError')

/** The members of a client that are read here. Test doubles have none of them, and count as connected. */
type Connection = {
  status?: Redis['status']
  options?: { commandTimeout?: number }
  once?: (event: 'ready', listener: () => void) => unknown
}

const CLOSED: unique symbol = Symbol('tickwell.redisClosed')
const OUT: unique symbol = Symbol('tickwell.redisOut')
const PATIENCE: unique symbol = Symbol('tickwell.redisPatience')
const OWNER: unique symbol = Symbol('tickwell.redisOwner')

export type Client = Connection & {
  [CLOSED]?: boolean
  [OUT]?: () => boolean
  [PATIENCE]?: Promise<void> | undefined
  [OWNER]?: App
}

/** From now on its commands are counted as this adapter's. */
export const markOwner = (client: Client, app: App): void => {
  client[OWNER] = app
}

/** Counts a command under a name of contract 8.1. */
export const countCommand = (client: Client, status: CMD_SENT_STATUS, functionName: string): void =>
  recordRedisCommandMetric(status, functionName, client[OWNER])

/** From now on nothing more is sent through this client. */
export const markClosed = (client: Client): void => {
  client[CLOSED] = true
}

export const isClosed = (client: Client): boolean => client[CLOSED] === true

/** @param isOut - whether an outage of the connection goes on that was told of */
export const tellsOfOutages = (client: Client, isOut: () => boolean): void => {
  client[OUT] = isOut
}

/** Whether it was said already that there is no connection. What follows from that needs no line of its own. */
export const isOut = (client: Client): boolean => client[OUT]?.() === true

/** True when a command is sent now. Otherwise it would wait in the client, and be sent at some later time when there is a connection. */
export const isConnected = (client: Client): boolean => {
  const { status } = client
  return (status === undefined || status === 'ready') && !isClosed(client)
}

/** Waits for a connection for as long as a command may take. All callers share this wait: who asks after it has ended does not wait. */
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
 * Removes the command from an error of the client: its arguments may be a password, and logs print the members of errors.
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
 * Runs a command when there is a connection; at once if there is one, so that commands keep their order. A command never waits in the
 * client for a connection, because what was to be written before an outage must not be written after it.
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
    countCommand(client, CMD_SENT_STATUS.SUCCESS, functionName)
    return reply
  } catch (error) {
    countCommand(client, CMD_SENT_STATUS.FAIL, functionName)
    throw error
  }
}
