/** The work is in transports/sse/config and transports/sse/sse-transport. */
export { type SSEConfig } from '../../transports/sse/config'
export { SseTransport } from '../../transports/sse/sse-transport'
