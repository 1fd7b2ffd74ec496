import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type pino from 'pino'
import { isObject, memberOf } from './objects'
import { redactStrings, redactText } from './redaction'

/** Carries a `Store` through everything that is done for one request or background run (contract 6.7). */
export const asyncLocalStorage = new AsyncLocalStorage<unknown>()

export type Store = {
  correlationId: string
}

/** Terminal escape sequences of the colours by which layers are told apart in pretty logs. */
export const COLORS = [36, 32, 33, 35, 34, 31, 96, 92, 93, 95, 94, 91].map((code) => `\u001b[${code}m`)

const RESET_COLOR = '\u001b[0m'

/** Deals out the colours in turn, over and over. */
export const colorFactory = (colors: string[]): (() => string) => {
  let dealt = 0
  return () => colors[dealt++ % colors.length] ?? ''
}

const nextColor = colorFactory(COLORS)

/** What makes the loggers of the layers (contract 13.1); may be injected as `dependencies.loggerFactory`. */
export interface LoggerFactory {
  child(params: { layer: string; color?: string }): Omit<pino.BaseLogger, 'level' | 'silent' | 'msgPrefix'>
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** A logger of one layer, as `makeLogger` returns it: `(obj, msg?)` or `(msg)`, like pino. */
export type Logger = Record<(typeof LEVELS)[number], pino.LogFn>

/** Fields that every line has: their names, and the level, are never redacted, whatever the secrets look like. */
const LINE_FIELDS = new Set([
  'level',
  'time',
  'isoTime',
  'pid',
  'hostname',
  'layer',
  'color',
  'correlationId',
  'msg',
])

const redactFields = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      LINE_FIELDS.has(name) ? name : redactText(name),
      name === 'level' ? value : redactStrings(value),
    ]),
  )

/**
 * Redacts a finished line. Working on the text catches what serialisers, getters and `toJSON` produce as well, and
 * costs one pass over a line that has no secrets; only a line that seems to have one is taken apart, so that a numeric
 * secret does not break a number.
 */
const redactLine = (line: string): string => {
  const redacted = redactText(line)
  if (redacted === line) return line
  try {
    const fields: unknown = JSON.parse(line)
    return isObject(fields) ? `${JSON.stringify(redactFields(fields))}\n` : redacted
  } catch {
    return redacted
  }
}

const timestamp = (): string => {
  const now = Date.now()
  return `,"time":${now},"isoTime":"${new Date(now).toISOString()}"`
}

const correlation = (): object => {
  const correlationId = memberOf(asyncLocalStorage.getStore(), 'correlationId')
  return correlationId === undefined ? {} : { correlationId }
}

/** Loaded with the first line: a start in good health has nothing to say, and this is a tenth of it. */
const loadPino = (): typeof pino => createRequire(__filename)('pino') as typeof pino

/** Only a developer's terminal needs it, so it is loaded only there; in this process, so that no line is lost at exit. */
const prettyStream = (): pino.DestinationStream => {
  const pretty = createRequire(__filename)('pino-pretty') as (options: object) => pino.DestinationStream
  return pretty({
    sync: true,
    levelFirst: true,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
    ignore: 'pid,hostname,isoTime,layer,color,correlationId',
    messageFormat: ({ layer, color, correlationId, msg }: Record<string, string | undefined>) =>
      `${color ?? ''}[${layer ?? ''}]${RESET_COLOR}${correlationId ? ` (${correlationId})` : ''} ${msg ?? ''}`,
  })
}

/** The default factory: pino, one JSON object per line, secrets redacted as the line is written (contract 13.1). */
class PinoLoggerFactory implements LoggerFactory {
  private readonly level = process.env.LOG_LEVEL?.toLowerCase() || 'info'
  private readonly isCorrelated = process.env.CORRELATION_ID_ENABLED !== 'false'
  private readonly isPretty = process.env.DEBUG === 'true'
  private root: pino.Logger | undefined

  constructor(private readonly destination: pino.DestinationStream | undefined) {}

  child(params: { layer: string; color?: string }): pino.Logger {
    this.root ??= this.create()
    return this.root.child(params)
  }

  private create(): pino.Logger {
    const pino = loadPino()
    return pino(
      {
        level: this.level,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: pino.stdSerializers.err },
        timestamp,
        hooks: { streamWrite: redactLine },
        ...(this.isCorrelated ? { mixin: correlation } : {}),
      },
      this.destination ?? (this.isPretty ? prettyStream() : pino.destination({ dest: 1, sync: true })),
    )
  }
}

/**
 * Makes the default factory; it reads `LOG_LEVEL`, `CORRELATION_ID_ENABLED` and `DEBUG` from the environment once, here.
 *
 * @param destination - where lines go. Default: standard output, made readable when `DEBUG=true`
 */
export const defaultLoggerFactory = (destination?: pino.DestinationStream): LoggerFactory =>
  new PinoLoggerFactory(destination)

/** Holds the logger factory of this process (contract 13.1). */
export class LoggerFactoryProvider {
  private static factory: LoggerFactory | undefined

  /**
   * Sets the factory; a second time warns, unless one default factory replaces another. Loggers that have logged
   * already keep what they were made with.
   */
  static set(factory: LoggerFactory = defaultLoggerFactory()): void {
    const { factory: previous } = LoggerFactoryProvider
    LoggerFactoryProvider.factory = factory
    if (previous && !(previous instanceof PinoLoggerFactory && factory instanceof PinoLoggerFactory)) {
      // Neither factory is asked: an injected one may be a test's, which counts what is logged through it.
      defaultLoggerFactory()
        .child({ layer: 'LoggerFactoryProvider' })
        .warn('The logger factory was set more than once; loggers that are in use keep the earlier one')
    }
  }

  /** Whether loggers can be called. */
  static get isSet(): boolean {
    return LoggerFactoryProvider.factory !== undefined
  }

  /** @throws Error when no factory was set */
  static get(): LoggerFactory {
    if (!LoggerFactoryProvider.factory) {
      throw new Error(
        'The logger factory provider does not have a factory set, you need to set one before executing any logging methods.',
      )
    }
    return LoggerFactoryProvider.factory
  }
}

type AnyLogFn = (...args: unknown[]) => void
type InjectedLogger = ReturnType<LoggerFactory['child']> & { isLevelEnabled?: (level: string) => boolean }

const redactArguments = (args: unknown[]): unknown[] => {
  try {
    return redactStrings(args)
  } catch {
    return args.map((arg) => (typeof arg === 'string' ? redactText(arg) : '[Unknown]'))
  }
}

/** An injected logger writes its own lines, so what it is given is redacted. Methods are looked up when called. */
const redacting =
  (logger: InjectedLogger, level: (typeof LEVELS)[number]): AnyLogFn =>
  (...args) => {
    if (logger.isLevelEnabled?.(level) === false) return
    const log: AnyLogFn | undefined = logger[level]
    log?.apply(logger, redactArguments(args))
  }

/**
 * A logger that may be created before there is a factory: the real one is made at the first call, and from then on its
 * methods are called directly, so that a line of a level that is off costs next to nothing.
 */
class PlaceholderLogger implements Logger {
  declare fatal: pino.LogFn
  declare error: pino.LogFn
  declare warn: pino.LogFn
  declare info: pino.LogFn
  declare debug: pino.LogFn
  declare trace: pino.LogFn
  private isBound = false

  constructor(private readonly layer: string) {
    for (const level of LEVELS) {
      this[level] = (...args: unknown[]) => {
        if (!this.isBound) this.bind()
        const bound: AnyLogFn = this[level]
        bound(...args)
      }
    }
  }

  private bind(): void {
    const factory = LoggerFactoryProvider.get()
    const child = factory.child({ layer: this.layer, color: nextColor() })
    for (const level of LEVELS) {
      this[level] =
        factory instanceof PinoLoggerFactory ? child[level].bind<pino.LogFn>(child) : redacting(child, level)
    }
    this.isBound = true
  }
}

/**
 * A logger of one layer, for example `WebSocketTransport`. It may be made at import time: the real logger is made at
 * the first call (contract 13.1).
 *
 * - `fatal`: we exit
 * - `error`: somebody must act
 * - `warn`: degraded, but coping
 * - `info`: a change of state of the service
 * - `debug`: decisions
 * - `trace`: messages
 *
 * @throws Error from its methods, while the provider has no factory
 */
export const makeLogger = (layer: string): Logger => new PlaceholderLogger(layer)
