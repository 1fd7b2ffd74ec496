/**
 * When a value was asked for, arrived and was valid, all in Unix milliseconds (contract 2.1).
 *
 * Exactly one of `providerDataRequestedUnixMs` (request/response protocols) and
 * `providerDataStreamEstablishedUnixMs` (streams) is present.
 */
export type ResponseTimestamps = {
  /** When the provider's bytes reached this process. */
  providerDataReceivedUnixMs: number
  /** The provider's own time for the value. The key is mandatory so that leaving it out is a decision. */
  providerIndicatedTimeUnixMs: number | undefined
} & (
  | { providerDataRequestedUnixMs: number; providerDataStreamEstablishedUnixMs?: never }
  | { providerDataStreamEstablishedUnixMs: number; providerDataRequestedUnixMs?: never }
)
