import { type AxiosRequestConfig, type AxiosResponse } from 'axios'
import { type RedirectOptions } from '../../util/redirects'
import { type CredentialConfig } from '../../connections/credential'
import { type ProviderResult } from '../../feeds/responses'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type EndpointContext, type TransportGenerics } from '../transport'

export type HttpTransportGenerics = TransportGenerics & {
  Provider: {
    /** The body of a request to the provider. */
    RequestBody: unknown
    /** The parsed body of the provider's answer. */
    ResponseBody: unknown
  }
}

type Params<T extends HttpTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** One request to the provider, and the feeds for which it is made. */
export type ProviderRequestConfig<T extends HttpTransportGenerics> = {
  /** The feeds that get values from this request, or its error if it fails. */
  params: Params<T>[]
  request: AxiosRequestConfig<T['Provider']['RequestBody']> & RedirectOptions
  /**
   * Part of the key by which equal requests are shared. Give several endpoints the same name to share their requests. Default: this
   * endpoint's name.
   */
  endpointNameOverride?: string
  /** The credits that the provider charges. Only counted with the strategy `burst`. Default 1. */
  cost?: number
}

/** Given where the transport has a `credential`, and not else. */
export interface HttpCredentialParameters {
  /** What `credential` gave. */
  credential: string
}

export interface HttpTransportConfig<T extends HttpTransportGenerics> {
  /**
   * Makes the requests for all wanted feeds: one for each feed, or for groups of them. If it throws, it is called for the feeds one by one,
   * and only those for which it throws again fail.
   */
  prepareRequests: (
    params: Params<T>[],
    adapterSettings: T['Settings'],
    parameters?: HttpCredentialParameters,
  ) => ProviderRequestConfig<T> | ProviderRequestConfig<T>[]
  /**
   * Makes values or refusals for feeds from the answer to one request. They need not be the feeds for which the request was made. If it
   * throws, only this answer is lost.
   */
  parseResponse: (
    params: Params<T>[],
    res: AxiosResponse<T['Provider']['ResponseBody']>,
    adapterSettings: T['Settings'],
  ) => ProviderResult<T>[]
  /**
   * A token or the like, which is got and renewed ahead of its end, and given to `prepareRequests`. A request that the provider answers with
   * 401 or 403 is repeated once with a new value, and then at growing intervals; if nothing succeeds with the new value, the attempts to get
   * another are slow. The reason is then `CREDENTIAL_REFUSED`. Its `isAuthClose` is for WebSockets alone.
   */
  credential?: CredentialConfig<EndpointContext<T>>
}
