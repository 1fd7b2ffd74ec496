/** The work is in transports/transport and adapter/params. */
export { type AdapterDependencies, type EndpointContext } from '../../transports/transport'
export {
  type AdapterEndpointInterface,
  type AdapterEndpointParams,
  type AdapterParams,
  type AdapterRateLimitingConfig,
  type BaseAdapterEndpointParams,
  type CustomAdapterSettings,
  type CustomInputValidator,
  type CustomOutputValidator,
  type EndpointGenerics,
  type EndpointRateLimitingConfig,
  type RequestTransform,
} from '../../adapter/params'
