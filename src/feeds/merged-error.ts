import { redactStrings, redactText } from '../util/redaction'
import { answered, type Reason, type ReasonAnswer } from '../validation/reason'
import { commonReason, reasonBeside, withIt } from './error-reason'
import { type AdapterResponse } from './responses'
import { type Instant, leftMs } from '../util/clock'

/** The last error of a source. */
export interface SourceError {
  response: AdapterResponse
  notedAt: Instant
  expiresAt: Instant
}

/** The next error of a source: its reason keeps the time since when it has been so. */
export const goingOnFrom = (before: SourceError | undefined, next: SourceError): SourceError => {
  const [last, reason] = [before && reasonBeside(before.response), reasonBeside(next.response)]
  if (last === undefined || reason === undefined || leftMs(before!.expiresAt, next.notedAt) <= 0) return next
  return { ...next, response: withIt(next.response, { ...reason, sinceUnixMs: last.sinceUnixMs }) }
}

/** Why one source has no value: its error, or what is wrong with its connection where it sent none. */
export type Cause = { name: string } & ({ error: SourceError } | { outage: Reason })

const textOf = (cause: Cause): string => {
  const [message, code, atUnixMs] =
    'error' in cause
      ? [cause.error.response.errorMessage, cause.error.response.statusCode, cause.error.notedAt.unixMs]
      : [redactText(cause.outage.message), cause.outage.code, cause.outage.sinceUnixMs]
  return `${cause.name}: ${message} (${code}, ${new Date(atUnixMs).toISOString()})`
}

/** Beside it where its sources' errors have one. */
const mergedReason = (causes: readonly Cause[]): { reason?: ReasonAnswer } => {
  const known = causes.flatMap((cause) => {
    const reason = 'error' in cause ? reasonBeside(cause.error.response) : cause.outage
    return reason === undefined ? [] : [{ name: cause.name, reason: redactStrings(reason) }]
  })
  const isTold = causes.some((cause) => 'error' in cause && reasonBeside(cause.error.response) !== undefined)
  const reason = isTold ? commonReason(known) : undefined
  return reason === undefined ? {} : { reason: answered(reason) }
}

/** FO-7: one error response for all causes, each with its source and its time. Undefined where no source has sent an error. */
export const mergedError = (causes: readonly Cause[]): AdapterResponse | undefined => {
  const errors = causes.flatMap((cause) => ('error' in cause ? [cause.error] : []))
  const first = errors[0]
  if (first === undefined) return undefined
  const { statusCode, errorMessage = '', meta } = first.response
  const { timestamps } = errors.reduce((a, b) =>
    b.notedAt.monotonicMs > a.notedAt.monotonicMs ? b : a,
  ).response
  const message = causes.length === 1 ? errorMessage : causes.map(textOf).join('; ')
  return {
    statusCode,
    errorMessage: message,
    timestamps,
    ...(meta === undefined ? {} : { meta }),
    ...mergedReason(causes),
  } as AdapterResponse
}
