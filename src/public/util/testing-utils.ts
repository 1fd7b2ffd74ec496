/** The work is in testing/. */
export { assertEqualResponses } from '../../testing/assertions'
export { setEnvVariables } from '../../testing/env'
export { MockCache } from '../../testing/mock-cache'
export { MockWebsocket, MockWebsocketServer, mockWebSocketProvider } from '../../testing/mock-websocket'
export { NopTransport, type NopTransportTypes } from '../../testing/nop-transport'
export { RedisMock } from '../../testing/redis-mock'
export { allowedUndefinedStubProps, makeStub } from '../../testing/stub'
export { TestAdapter } from '../../testing/test-adapter'
export {
  runAllUntil,
  runAllUntilSettled,
  runAllUntilTime,
  runPeriodicAsyncBackgroundExecution,
  waitUntilResolved,
} from '../../testing/test-clock'
export { TestMetrics } from '../../testing/test-metrics'
