/** The work is in transports/composite-transport. */
export { CompositeTransport } from '../../transports/composite-transport'
