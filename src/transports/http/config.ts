import { type AxiosRequestConfig, type AxiosResponse } from 'axios'
import { type ProviderResult } from '../../feeds/responses'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type TransportGenerics } from '../transport'

export type HttpTransportGenerics = TransportGenerics & {
  Provider: {
    /** What is sent to the provider as the body of a request. */
    RequestBody: unknown
    /** The parsed body of the provider's answer. */
    ResponseBody: unknown
  }
}

type Params<T extends HttpTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** One request to the provider, and the feeds it is made for. */
export type ProviderRequestConfig<T extends HttpTransportGenerics> = {
  /** The feeds that this request has values for; the error, if it fails. */
  params: Params<T>[]
  request: AxiosRequestConfig<T['Provider']['RequestBody']>
  /** Goes into the key by which equal requests are shared, so that several endpoints may share one. Default: this endpoint. */
  endpointNameOverride?: string
  /** Credits that the provider charges. Counts under the strategy `burst` only. Default 1. */
  cost?: number
}

export interface HttpTransportConfig<T extends HttpTransportGenerics> {
  /**
   * Makes the requests for all feeds that are wanted: one for each, or for batches of them. What it throws fails the feeds that it throws
   * for when it is asked for them one by one, and no others.
   */
  prepareRequests: (
    params: Params<T>[],
    adapterSettings: T['Settings'],
  ) => ProviderRequestConfig<T> | ProviderRequestConfig<T>[]
  /**
   * Turns the answer to one request into values or refusals for feeds, not necessarily those it was made for. What it throws costs this
   * answer.
   */
  parseResponse: (
    params: Params<T>[],
    res: AxiosResponse<T['Provider']['ResponseBody']>,
    adapterSettings: T['Settings'],
  ) => ProviderResult<T>[]
}
