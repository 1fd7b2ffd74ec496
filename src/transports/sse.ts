export { type SSEConfig } from './sse/config'
export { SseTransport } from './sse-transport'
