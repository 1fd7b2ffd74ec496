export * from './websocket'
export { TransportRoutes } from './routes'
export { type Transport, type TransportDependencies, type TransportGenerics } from './transport'
