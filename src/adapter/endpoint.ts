export { DEFAULT_TRANSPORT_NAME } from '../transports/routes'
export { AdapterEndpoint } from './adapter-endpoint'
