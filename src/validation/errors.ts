import { HttpRequestType } from '../metrics/constants'
import { isDebug } from '../util/debug-flag'
import { withoutUndefined } from '../util/objects'
import { type AdapterErrorResponse } from './error-answer'
import { answered, type Reason } from './reason'
import { type ResponseTimestamps } from './timestamps'

export { type AdapterErrorResponse }

/**
 * An error that reaches the client as JSON, with `statusCode` as HTTP status (contract 12).
 * Every field is optional; `statusCode` is 500 unless given.
 */
export class AdapterError extends Error {
  status: string
  statusCode: number
  override cause: unknown
  url?: string
  errorResponse: unknown
  feedID?: string
  providerStatusCode?: number
  metricsLabel?: HttpRequestType
  reason?: Reason
  override name: string
  // Declared as a field so that it is enumerable: authors log and serialise these errors as plain objects.
  override message: string

  constructor({
    status = 'errored',
    statusCode = 500,
    name = 'AdapterError',
    message = 'There was an unexpected error in the adapter.',
    cause,
    url,
    feedID,
    errorResponse,
    providerStatusCode,
    metricsLabel = HttpRequestType.ADAPTER_ERROR,
    reason,
  }: Partial<AdapterError>) {
    super(message)
    this.message = message
    this.status = status
    this.statusCode = statusCode
    this.name = name
    this.cause = cause
    this.url = url
    this.feedID = feedID
    this.errorResponse = errorResponse
    this.providerStatusCode = providerStatusCode
    this.metricsLabel = metricsLabel
    this.reason = reason
  }

  /** The error body of contract 6.5. `stack` and `cause` are in it only while the process runs with `DEBUG=true`. */
  toJSONResponse(): AdapterErrorResponse {
    const error = withoutUndefined({
      name: this.name,
      message: this.message,
      url: this.url,
      errorResponse: this.errorResponse,
      feedID: this.feedID,
      reason: this.reason && answered(this.reason),
      ...(isDebug() ? { stack: this.stack, cause: printableCause(this.cause) } : {}),
    })
    return withoutUndefined({
      status: this.status,
      statusCode: this.statusCode,
      providerStatusCode: this.providerStatusCode,
      error,
    })
  }
}

// An error object becomes `{}` as JSON, and errors of HTTP clients hold circular references and request headers.
const printableCause = (cause: unknown) => (cause instanceof Error ? String(cause) : cause)

/** The request is wrong: unknown endpoint, bad parameters, wrong content type. */
export class AdapterInputError extends AdapterError {
  constructor(input: Partial<AdapterError>) {
    super({ ...input, metricsLabel: HttpRequestType.INPUT_ERROR })
  }
}

/** The budget for requests to the provider is used up. */
export class AdapterRateLimitError extends AdapterError {
  /** How long to wait before trying again; 0 when unknown. */
  msUntilNextExecution: number

  constructor(input: Partial<AdapterError> & { msUntilNextExecution?: number }) {
    super({ ...input, metricsLabel: HttpRequestType.RATE_LIMIT_ERROR })
    this.msUntilNextExecution = input.msUntilNextExecution ?? 0
  }
}

/** No value arrived within the time a request waits. */
export class AdapterTimeoutError extends AdapterError {
  constructor(input: Partial<AdapterError>) {
    super({ ...input, metricsLabel: HttpRequestType.TIMEOUT_ERROR })
  }
}

/** The provider answered, with an error or with nonsense. */
export class AdapterDataProviderError extends AdapterError {
  constructor(
    input: Partial<AdapterError>,
    public timestamps: ResponseTimestamps,
  ) {
    super({ ...input, metricsLabel: HttpRequestType.DP_ERROR })
  }
}

/** The provider could not be reached, or the connection ended. */
export class AdapterConnectionError extends AdapterError {
  constructor(
    input: Partial<AdapterError>,
    public timestamps: ResponseTimestamps,
  ) {
    super({ ...input, metricsLabel: HttpRequestType.CONNECTION_ERROR })
  }
}

/** An error that an adapter's author defines. */
export class AdapterCustomError extends AdapterError {
  constructor(input: Partial<AdapterError>) {
    super({ ...input, metricsLabel: HttpRequestType.CUSTOM_ERROR })
  }
}

/** Bid, mid and ask contradict each other. */
export class AdapterLWBAError extends AdapterError {
  constructor(input: Partial<AdapterError>) {
    super({ ...input, name: 'AdapterLWBAError', metricsLabel: HttpRequestType.LWBA_ERROR })
  }
}
