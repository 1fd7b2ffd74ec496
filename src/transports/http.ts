export {
  type HttpTransportConfig,
  type HttpTransportGenerics,
  type ProviderRequestConfig,
} from './http/config'
export { HttpTransport } from './http/http-transport'
