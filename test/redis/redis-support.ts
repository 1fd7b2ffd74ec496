import { type Redis } from 'ioredis'
import { expect, vi } from 'vitest'
import { RedisCache } from '../../src/redis/redis-cache'
import { buildRedisClient, closeRedisClient, type RedisSettings } from '../../src/redis/redis-client'
import { AdapterConfig } from '../../src/config/adapter-config'
import { metrics } from '../../src/metrics/registry'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { eventually, GUARD_MS } from '../helpers/eventually'

export interface LogLine {
  level: string
  message: string
  fields: Record<string, unknown>
}

const lines: LogLine[] = []

const log =
  (level: string) =>
  (first: unknown, message?: string): void => {
    if (typeof first === 'string') lines.push({ level, message: first, fields: {} })
    else lines.push({ level, message: message ?? '', fields: first as Record<string, unknown> })
  }

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
const collector = Object.fromEntries(LEVELS.map((level) => [level, log(level)]))

/** Loggers stay with the factory of their first line, so there is one for all tests of a file. */
export const loggerFactory = { child: () => collector } as never
LoggerFactoryProvider.set(loggerFactory)

/** What is logged from here on. */
export const collectLogs = (): LogLine[] => {
  lines.length = 0
  return lines
}

export const settingsFor = (
  port: number,
  overrides: Partial<RedisSettings> = {},
): ReturnType<typeof defaults> & RedisSettings =>
  Object.assign(defaults(), { CACHE_REDIS_PORT: port, ...overrides })

const defaults = () => {
  metrics.initialize()
  const config = new AdapterConfig({})
  config.initialize()
  // What a test is not about must not fail because the machine is busy.
  return Object.assign(config.settings, { CACHE_REDIS_TIMEOUT: GUARD_MS })
}

/**
 * From here on the test moves the clock of our clients and of the lock: a timeout comes after exactly so long, and none because the
 * machine is busy. Sockets go on by themselves. To be ended by `vi.useRealTimers()`.
 */
export const holdClock = (): void =>
  void vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'performance'],
    shouldClearNativeTimers: true,
  })

/** Moves the clock that {@link holdClock} holds. */
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** Lets what an event has woken run up to its next wait for something real. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Moves the clock that {@link holdClock} holds from one attempt of a client to the next, until it has a connection. */
export const reconnected = (client: Redis) =>
  eventually(async () => {
    if (client.status === 'reconnecting') await pass(100)
    expect(client.status).toBe('ready')
  })

/** Whether it has an outcome yet; that may come with the very next event. */
export const watched = <T>(work: Promise<T>) => {
  const outcome = { isThere: false, work }
  const note = () => void (outcome.isThere = true)
  work.then(note, note)
  return outcome
}

/** A client of ours for one test. */
export const clientOf = (port: number, overrides: Partial<RedisSettings> = {}) => {
  const client = buildRedisClient(settingsFor(port, overrides))
  return { client, [Symbol.asyncDispose]: () => closeRedisClient(client) }
}

/** A cache over a client of its own, as one process has it. */
export const redisCacheOf = <T = unknown>(port: number, overrides: Partial<RedisSettings> = {}) => {
  const { client, [Symbol.asyncDispose]: end } = clientOf(port, overrides)
  return { client, cache: new RedisCache<T>(client, 1_000), [Symbol.asyncDispose]: end }
}

/** Of a counter: the value now, for these labels. */
export const countOf = async (
  name: 'redisCommandsSentCount' | 'redisConnectionsOpen' | 'redisRetriesCount',
  labels: Record<string, string> = {},
): Promise<number> => {
  const { values } = await metrics.get(name).get()
  const matching = values.filter((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels[label as never] === value),
  )
  return matching.reduce((sum, { value }) => sum + value, 0)
}

export const sent = (functionName: string, status = 'SUCCESS') =>
  countOf('redisCommandsSentCount', { function_name: functionName, status })
