/** The work is in the files beside this one, and in transports/. */
export * from './http'
export * from './sse'
export * from './websocket'
export { TransportRoutes } from '../../transports/routes'
export {
  type Transport,
  type TransportDependencies,
  type TransportGenerics,
} from '../../transports/transport'
