/**
 * The parts of prom-client by their files. Its main file also loads a push gateway, summaries, clusters and process metrics with
 * their own dependencies, which costs a start more than all of our metrics do.
 */
declare module 'prom-client/lib/counter' {
  export { Counter as default } from 'prom-client'
}
declare module 'prom-client/lib/gauge' {
  export { Gauge as default } from 'prom-client'
}
declare module 'prom-client/lib/histogram' {
  export { Histogram as default } from 'prom-client'
}
declare module 'prom-client/lib/registry' {
  import type { Registry } from 'prom-client'
  export const globalRegistry: Registry
}
