import { redactText } from '../util/redaction'
import { type Reason } from '../validation/reason'
import { type AdapterResponse } from './responses'
import { type Instant } from '../util/clock'

/** What a source last said instead of a value. */
export interface SourceError {
  response: AdapterResponse
  notedAt: Instant
  expiresAt: Instant
}

/** Why one source has no value: what it said, or what is wrong with it where it said nothing. */
export type Cause = { name: string } & ({ error: SourceError } | { outage: Reason })

const textOf = (cause: Cause): string => {
  const [message, code, atUnixMs] =
    'error' in cause
      ? [cause.error.response.errorMessage, cause.error.response.statusCode, cause.error.notedAt.unixMs]
      : [redactText(cause.outage.message), cause.outage.code, cause.outage.sinceUnixMs]
  return `${cause.name}: ${message} (${code}, ${new Date(atUnixMs).toISOString()})`
}

/** FO-7: one answer of all causes, each with its source and its time. Undefined while no source has said an error. */
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
