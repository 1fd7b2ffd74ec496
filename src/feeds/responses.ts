import { type InputParametersDefinition, type TypeFromDefinition } from '../validation/input-parameters'
import { type ReasonAnswer } from '../validation/reason'
import { type ResponseTimestamps } from '../validation/timestamps'

/** What an endpoint answers with: the shape of `data` and the type of `result` (contract 2.1). */
export type ResponseGenerics = {
  Data: unknown
  Result: string | number | null
}

/** One number, repeated in `data.result`: the answer of every price endpoint. */
export type SingleNumberResultResponse = {
  Result: number
  Data: { result: number }
}

export interface AdapterMetricsMeta {
  feedId?: string
  cacheHit?: boolean
}

export interface AdapterRequestMeta {
  metrics?: AdapterMetricsMeta
  error?: Error
}

export interface AdapterResponseMeta extends AdapterRequestMeta {
  adapterName: string
  transportName: string
  /** Where several sources have the feed, and this value has no usable time of the provider: what it was compared with the others by. */
  rankedBy?: 'receivedAt'
}

type Timestamped = { timestamps: ResponseTimestamps }

type ProviderErrorResponse = {
  statusCode: number
  errorMessage: string
  data?: never
  result?: never
  meta?: never
}

/** A provider's refusal as it is cached and served: an ordinary body with `errorMessage` and its own status. */
export type TimestampedProviderErrorResponse = ProviderErrorResponse &
  Timestamped & {
    /** Why, where answers say so: the framework adds it. */
    reason?: ReasonAnswer
  }

/** What a handler returns for a good value. Times other than the provider's own are filled in by the transport. */
export type PartialSuccessfulResponse<T extends ResponseGenerics> = {
  data: T['Data']
  result: T['Result']
  timestamps?: Pick<ResponseTimestamps, 'providerIndicatedTimeUnixMs'>
  errorMessage?: never
}

type TimestampedSuccessfulResponse<T extends ResponseGenerics> = PartialSuccessfulResponse<T> & Timestamped

type SuccessfulResponse<T extends ResponseGenerics> = TimestampedSuccessfulResponse<T> & {
  meta?: AdapterResponseMeta
  statusCode: number
}

export type PartialAdapterResponse<T extends ResponseGenerics = ResponseGenerics> =
  PartialSuccessfulResponse<T> | ProviderErrorResponse

export type TimestampedAdapterResponse<T extends ResponseGenerics = ResponseGenerics> =
  TimestampedSuccessfulResponse<T> | TimestampedProviderErrorResponse

/** What is cached and what a client gets. Readers share the object, so nobody may change it. */
export type AdapterResponse<T extends ResponseGenerics = ResponseGenerics> =
  SuccessfulResponse<T> | TimestampedProviderErrorResponse

export type ProviderResultGenerics = {
  Parameters: InputParametersDefinition
  Response: ResponseGenerics
}

/** One value (or refusal) for one feed, as an author's handler returns it. */
export type ProviderResult<T extends ProviderResultGenerics> = {
  params: TypeFromDefinition<T['Parameters']>
  response: PartialAdapterResponse<T['Response']>
}

export type TimestampedProviderResult<T extends ProviderResultGenerics> = Pick<
  ProviderResult<T>,
  'params'
> & {
  response: TimestampedAdapterResponse<T['Response']>
}
