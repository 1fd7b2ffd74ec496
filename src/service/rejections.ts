import { problemsIn } from '../config/config-error'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'

const logger = makeLogger('Main')

const failures = new WeakSet<Error>()

let isHearing = false

const setFactoryIfNone = () => {
  try {
    LoggerFactoryProvider.get()
  } catch {
    LoggerFactoryProvider.set()
  }
}

const hear = (reason: unknown): void => {
  if (reason instanceof Error && failures.has(reason)) return endWith(reason)
  logger.error({ err: reason }, `Unhandled rejection: ${String(reason)}`)
}

/** Adds one listener for the whole process: an unhandled rejection is logged, and the service goes on (IS-2). */
export const hearRejections = (): void => {
  if (isHearing) return
  isHearing = true
  process.on('unhandledRejection', hear)
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
