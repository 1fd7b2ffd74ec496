/** The work is in transports/routes and adapter/adapter-endpoint. */
export { DEFAULT_TRANSPORT_NAME } from '../../transports/routes'
export { AdapterEndpoint } from '../../adapter/adapter-endpoint'
