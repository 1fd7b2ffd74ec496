import { type ResponseCache } from '../feeds/response-cache'
import { type AdapterResponse } from '../feeds/responses'
import { type EmptyCustomSettings } from '../config/settings'
import {
  type AdapterRequest,
  type Transport,
  type TransportDependencies,
  type TransportGenerics,
} from '../transports/transport'
import { type EmptyInputParameters, type TypeFromDefinition } from '../validation/input-parameters'

export type NopTransportTypes = {
  Parameters: EmptyInputParameters
  Response: { Data: null; Result: null }
  Settings: EmptyCustomSettings
}

/** A transport that does nothing. Tests override the methods that they need. */
export class NopTransport<T extends TransportGenerics = NopTransportTypes> implements Transport<T> {
  name!: string
  responseCache!: ResponseCache<T>

  async initialize(
    dependencies: TransportDependencies<T>,
    _adapterSettings: T['Settings'],
    _endpointName: string,
    transportName: string,
  ): Promise<void> {
    this.responseCache = dependencies.responseCache
    this.name = transportName
    return Promise.resolve()
  }

  async foregroundExecute(
    _req: AdapterRequest<TypeFromDefinition<T['Parameters']>>,
  ): Promise<AdapterResponse<T['Response']> | void> {
    return Promise.resolve()
  }
}
