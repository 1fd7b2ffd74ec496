/**
 * The harness for authors of adapters: a scriptable provider with real sockets on loopback, an adapter started for one test,
 * fake clocks, and a simulated exchange. It needs no network beside loopback, and its waits end by events.
 */
export { type CheckName } from './conformance/check-names'
export { conformance, type ConformanceCheck, conformanceChecks, type TestRunner } from './conformance'
export {
  type Ask,
  type HttpDialect,
  type Quote,
  type SseDialect,
  type Venue,
  type VenueFeed,
  type WsDialect,
} from './conformance/venue'
export { advance, type FakeClock, runUntil, runUntilSettled, viClock, type ViTimers } from './clock'
export { type ChangedEnv, type Variables, withEnv } from './env'
export { type EventStream, type StreamEvent } from './event-stream'
export { GUARD_MS } from './guard'
export { answers, type HttpAnswer } from './http-answer'
export { type HttpProvider, httpProvider, type HttpProviderOptions, type HttpScript } from './http-provider'
export { type MatcherResult, matchers, type ReplyMatchers } from './matchers'
export { type Outgoing, type ProviderConnection } from './provider-connection'
export { type ProviderRequest } from './provider-request'
export { parseSamples, type Sample, sampleValue } from './samples'
export { type PostOptions, type Reply, serve, type Served, type ServeOptions } from './serve'
export {
  type Fault,
  type SimulatedExchange,
  simulatedExchange,
  type SimulatedExchangeOptions,
} from './simulated-exchange'
export { type Ticker } from './simulated-protocol'
export { type StepClock, stepClock } from './step-clock'
export { type WsProvider, wsProvider, type WsProviderOptions } from './ws-provider'
