import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import type pino from 'pino'
import { isFalse } from './boolean-text'
import { isDebug } from './debug-flag'
import { readable } from './line-fields'
import { isObject, memberOf } from './objects'
import { OwnedStore } from './owner'
import { prettyStream } from './pretty-lines'
import { redactStrings, redactText } from './redaction'

/** Holds the `Store` of the request or background run that the current code works for (contract 6.7). */
export const asyncLocalStorage = new AsyncLocalStorage<unknown>()

export type Store = {
  correlationId: string
}

/** Terminal escape sequences of the colours that tell layers apart in pretty logs. */
export const COLORS = [36, 32, 33, 35, 34, 31, 96, 92, 93, 95, 94, 91].map((code) => `\u001b[${code}m`)

/** Makes a function that returns the colours in turn, and begins again after the last one. */
export const colorFactory = (colors: string[]): (() => string) => {
  let dealt = 0
  return () => colors[dealt++ % colors.length] ?? ''
}

const nextColor = colorFactory(COLORS)

/** What makes the loggers of the layers (contract 13.1); may be injected as `dependencies.loggerFactory`. */
export interface LoggerFactory {
  child(params: { layer: string; color?: string }): Omit<pino.BaseLogger, 'level' | 'silent' | 'msgPrefix'>
}

/** The methods of a logger, from the most severe on. */
export const LOGGER_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** What `LOG_LEVEL` may be. */
export const LOG_LEVELS = [...LOGGER_LEVELS, 'silent'] as const

/** In any letter case. */
export const isLogLevel = (text: string | undefined): boolean =>
  (LOG_LEVELS as readonly (string | undefined)[]).includes(text?.toLowerCase())

/** A level that there is not is refused at the start, and that has to be logged. */
const levelOf = (text: string | undefined): string =>
  text !== undefined && isLogLevel(text) ? text.toLowerCase() : 'info'

/** What `LOG_FORMAT` may be. */
export const LOG_FORMATS = ['auto', 'json', 'text'] as const

/** Whether lines are for people. Unless it is said, they are on a terminal, and with `DEBUG=true` (contract 13.1). */
const isText = (format = 'auto'): boolean => {
  const named = format.toLowerCase()
  if (named === 'json' || named === 'text') return named === 'text'
  return isDebug() || process.stdout.isTTY
}

/** A logger of one layer, as `makeLogger` returns it: `(obj, msg?)` or `(msg)`, like pino. */
export type Logger = Record<(typeof LOGGER_LEVELS)[number], pino.LogFn>

/** Fields that lines have by themselves. Their names, and the level, are never redacted, whatever the secrets look like. */
const LINE_FIELDS = new Set([
  'level',
  'time',
  'isoTime',
  'pid',
  'hostname',
  'layer',
  'adapter',
  'endpoint',
  'instance',
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
 * Redacts a finished line. The text also holds what serialisers, getters and `toJSON` produced, and a line without
 * secrets costs one pass only. A line that seems to have one is parsed and redacted field by field, so that a secret
 * made of digits does not break a number.
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

const instanceOf = (instance: string | undefined): object => (instance ? { instance } : {})

const timestamp = (): string => {
  const now = Date.now()
  return `,"time":${now},"isoTime":"${new Date(now).toISOString()}"`
}

/** What the store of the code that writes a line knows of it. What the line says itself comes first. */
const fieldsOfStore = (isCorrelated: boolean): object => {
  const store = asyncLocalStorage.getStore()
  const correlationId = isCorrelated ? memberOf(store, 'correlationId') : undefined
  return { ...OwnedStore.fieldsIn(store), ...(correlationId !== undefined && { correlationId }) }
}

/** Loaded when the first line is logged, because it takes a tenth of the time of a start, and a start without problems logs nothing. */
const loadPino = (): typeof pino => createRequire(__filename)('pino') as typeof pino

/** The default factory: pino, one JSON object per line, secrets redacted as the line is written (contract 13.1). */
class PinoLoggerFactory implements LoggerFactory {
  private readonly level = levelOf(process.env.LOG_LEVEL)
  private readonly isCorrelated = !isFalse(process.env.CORRELATION_ID_ENABLED)
  private readonly isPretty = isText(process.env.LOG_FORMAT)
  private root: pino.Logger | undefined

  constructor(private readonly destination: pino.DestinationStream | undefined) {}

  /** Whether lines of a level are written, as it can be told without pino. */
  writes(level: (typeof LOGGER_LEVELS)[number]): boolean {
    return LOGGER_LEVELS.indexOf(level) <= (LOGGER_LEVELS as readonly string[]).indexOf(this.level)
  }

  child(params: { layer: string; color?: string }): pino.Logger {
    this.root ??= this.create()
    // Colours are for terminals: in JSON they are noise, and some viewers obey them.
    return this.root.child(this.isPretty ? params : { layer: params.layer })
  }

  private create(): pino.Logger {
    const pino = loadPino()
    // What was made readable already is shown as it is, although it looks like an error.
    const shownError = (value: unknown): unknown =>
      value instanceof Error ? pino.stdSerializers.err(value) : value
    const serialize = this.writes('debug') || isDebug() ? undefined : pino.stdSerializers.err
    return pino(
      {
        level: this.level,
        formatters: { level: (label) => ({ level: label }) },
        base: { pid: process.pid, hostname: hostname(), ...instanceOf(process.env.INSTANCE) },
        serializers: { err: shownError, error: shownError },
        timestamp,
        mixin: () => fieldsOfStore(this.isCorrelated),
        hooks: {
          streamWrite: redactLine,
          logMethod(args, method) {
            method.apply(this, readable(args, serialize) as typeof args)
          },
        },
      },
      this.destination ?? (this.isPretty ? prettyStream() : pino.destination({ dest: 1, sync: true })),
    )
  }
}

/**
 * Makes the default factory; it reads `LOG_LEVEL`, `LOG_FORMAT`, `INSTANCE`, `CORRELATION_ID_ENABLED` and `DEBUG` from the environment once,
 * here.
 *
 * @param destination - where lines go, as JSON. Default: standard output
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
      // Neither of the two factories gets this line: one of them may be a test's, which counts what is logged through it.
      defaultLoggerFactory()
        .child({ layer: 'LoggerFactoryProvider' })
        .warn('The logger factory was set more than once; loggers that are in use keep the earlier one')
    }
  }

  /** Whether lines go to a factory that is not ours, such as one of an adapter's tests. */
  static get isInjected(): boolean {
    const { factory } = LoggerFactoryProvider
    return factory !== undefined && !(factory instanceof PinoLoggerFactory)
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

/** Whether lines of a level may be written: for what is worth making only then. A factory that somebody has set does not tell, and may. */
export const isWritten = (level: (typeof LOGGER_LEVELS)[number]): boolean => {
  const factory = LoggerFactoryProvider.get()
  return !(factory instanceof PinoLoggerFactory) || factory.writes(level)
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

/** An injected logger writes its own lines, so its arguments are redacted. Its methods are looked up at each call. */
const redacting =
  (logger: InjectedLogger, level: (typeof LOGGER_LEVELS)[number]): AnyLogFn =>
  (...args) => {
    if (logger.isLevelEnabled?.(level) === false) return
    const log: AnyLogFn | undefined = logger[level]
    log?.apply(logger, redactArguments(args))
  }

/**
 * A logger that may be created before there is a factory. The real one is made at the first call. From then on its
 * methods stand here directly, so that a line of a level that is off costs almost nothing.
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
    for (const level of LOGGER_LEVELS) {
      this[level] = (...args: unknown[]) => {
        if (!this.isBound && !this.bind(level)) return
        const bound: AnyLogFn = this[level]
        bound(...args)
      }
    }
  }

  /** @returns whether it is bound: not before a line of a level comes that is written */
  private bind(level: (typeof LOGGER_LEVELS)[number]): boolean {
    const factory = LoggerFactoryProvider.get()
    if (factory instanceof PinoLoggerFactory && !factory.writes(level)) return false
    const child = factory.child({ layer: this.layer, color: nextColor() })
    for (const level of LOGGER_LEVELS) {
      this[level] =
        factory instanceof PinoLoggerFactory ? child[level].bind<pino.LogFn>(child) : redacting(child, level)
    }
    this.isBound = true
    return true
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
