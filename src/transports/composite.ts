export { CompositeTransport } from './composite-transport'
