/** The work is in feeds/, validation/, transports/, adapter/. */
export {
  type AdapterMetricsMeta,
  type AdapterRequestMeta,
  type AdapterResponse,
  type AdapterResponseMeta,
  type PartialAdapterResponse,
  type PartialSuccessfulResponse,
  type ProviderResult,
  type ProviderResultGenerics,
  type ResponseGenerics,
  type SingleNumberResultResponse,
  type TimestampedAdapterResponse,
  type TimestampedProviderErrorResponse,
  type TimestampedProviderResult,
} from '../../feeds/responses'
export { type ResponseTimestamps } from '../../validation/timestamps'
export {
  type AdapterRequest,
  type AdapterRequestContext,
  type AdapterRouteGeneric,
} from '../../transports/transport'
export {
  type AdapterRequestBody,
  type AdapterRequestData,
  type Merge,
  type Overrides,
  type ReservedInputParameterNames,
  type Writeable,
} from '../../transports/request-types'
export { type AdapterMiddlewareBuilder, type Middleware } from '../../adapter/authors/middleware'
