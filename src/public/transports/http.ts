/** The work is in transports/http/config and transports/http/http-transport. */
export {
  type HttpTransportConfig,
  type HttpTransportGenerics,
  type ProviderRequestConfig,
} from '../../transports/http/config'
export { HttpTransport } from '../../transports/http/http-transport'
