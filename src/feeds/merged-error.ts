import { redactText } from '../util/redaction'
import { type Reason } from '../validation/reason'
import { type AdapterResponse } from './responses'
import { type Instant } from '../util/clock'

/** The last error of a source. */
export interface SourceError {
  response: AdapterResponse
  notedAt: Instant
  expiresAt: Instant
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
  } as AdapterResponse
}
