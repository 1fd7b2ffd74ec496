import { type Logger, type LOGGER_LEVELS, LoggerFactoryProvider } from './logging'

/** To whom a log line belongs. */
export interface LineOwner {
  /** The name of the adapter. */
  adapter: string
  /** The name of the endpoint, where only one is concerned. */
  endpoint?: string
}

const owners = new WeakMap<object, LineOwner>()
const ownLoggers = new WeakMap<Logger, WeakMap<LineOwner, Logger>>()

/** Says to whom a thing belongs, such as a transport or a client of Redis: {@link named} lines about it say so. */
export const belongsTo = (thing: object, owner: LineOwner): void => void owners.set(thing, owner)

/** To whom a thing belongs; undefined where nobody said so. */
export const ownerOf = (thing: object): LineOwner | undefined => owners.get(thing)

/**
 * The logger for lines about a thing: they name the adapter and the endpoint that it belongs to. Injected loggers get the lines as they are,
 * because adapters' tests compare them (contract 13). Not for lines of single messages: it makes an object for each line.
 */
export const named = (logger: Logger, thing: object): Logger => {
  const owner = owners.get(thing)
  if (owner === undefined || LoggerFactoryProvider.isInjected) return logger
  let known = ownLoggers.get(logger)
  if (known === undefined) ownLoggers.set(logger, (known = new WeakMap()))
  let own = known.get(owner)
  if (own === undefined) known.set(owner, (own = namedBy(logger, owner)))
  return own
}

const namedBy = (logger: Logger, owner: LineOwner): Logger => {
  const log =
    (level: (typeof LOGGER_LEVELS)[number]) =>
    (first: unknown, ...rest: unknown[]): void => {
      const [fields, ...texts] =
        typeof first === 'string'
          ? [{}, first, ...rest]
          : first instanceof Error
            ? [{ err: first }, ...(rest.length > 0 ? rest : [first.message])]
            : [first, ...rest]
      Reflect.apply(logger[level], logger, [{ ...owner, ...(fields as object) }, ...texts])
    }
  return {
    fatal: log('fatal'),
    error: log('error'),
    warn: log('warn'),
    info: log('info'),
    debug: log('debug'),
    trace: log('trace'),
  }
}
