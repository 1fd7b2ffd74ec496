import { problemsIn } from '../config/config-error'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'
import { memberOf, messageOf } from '../util/objects'
import { type Late, LateThrows } from './late-throws'

const logger = makeLogger('Main')

const failures = new WeakSet<Error>()

let isHearing = false
let isHearingExceptions = false

const setFactoryIfNone = () => {
  try {
    LoggerFactoryProvider.get()
  } catch {
    LoggerFactoryProvider.set()
  }
}

/** Those of all adapters of this process. */
export const lateThrows = new LateThrows()

const hear = (thrown: unknown, how: Late): void => {
  if (thrown instanceof Error && failures.has(thrown)) return endWith(thrown)
  // Where a log goes to nobody, each line about that would make the next one.
  if (memberOf(thrown, 'code') === 'EPIPE') return
  lateThrows.hear(thrown, how)
}

/** Adds one listener for the whole process: an unhandled rejection costs at most one adapter, and the service goes on (IS-2, IS-4). */
export const hearRejections = (): void => {
  if (isHearing) return
  isHearing = true
  process.on('unhandledRejection', (reason) => hear(reason, 'rejection'))
}

/** The same for exceptions that nobody catches. Only for processes that listen: a framework of tests has listeners of its own. */
export const hearExceptions = (): void => {
  if (isHearingExceptions) return
  isHearingExceptions = true
  process.on('uncaughtException', (error) => hear(error, 'exception'))
}

/**
 * Marks the error of a failed start. If nobody catches it, it ends the process with 1, and one log line says why (LC-2), because nothing
 * runs that could go on.
 */
export const endsProcessUnlessCaught = (error: unknown): void => {
  if (!(error instanceof Error)) return
  failures.add(error)
  hearRejections()
}

/** Logs one line that says why the start failed, and exits with 1. For refused settings no stack is logged, because it would not help. */
export const endWith = (error: unknown, what = 'The adapter could not start'): never => {
  setFactoryIfNone()
  const problems = problemsIn(error)
  logger.fatal(problems === undefined ? { err: error } : { problems }, `${what}: ${messageOf(error)}`)
  process.exit(1)
}
