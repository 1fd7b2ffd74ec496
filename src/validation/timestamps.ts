/** A provider's time before this one cannot be right (contract 8.4). */
export const EARLIEST_TIME_UNIX_MS = 1_514_764_861_000

/** How far ahead of our clock a provider's time may be without a warning, in ms (contract 8.4). */
export const CLOCK_TOLERANCE_MS = 50

/**
 * When a value was asked for, arrived and was valid, all in Unix milliseconds (contract 2.1).
 *
 * Exactly one of `providerDataRequestedUnixMs` (request/response protocols) and
 * `providerDataStreamEstablishedUnixMs` (streams) is present.
 */
export type ResponseTimestamps = {
  /** When the provider's bytes reached this process. */
  providerDataReceivedUnixMs: number
  /** The provider's own time for the value. The key is mandatory, so that authors leave it out on purpose only. */
  providerIndicatedTimeUnixMs: number | undefined
} & (
  | { providerDataRequestedUnixMs: number; providerDataStreamEstablishedUnixMs?: never }
  | { providerDataStreamEstablishedUnixMs: number; providerDataRequestedUnixMs?: never }
)
