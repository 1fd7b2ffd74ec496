/**
 * Single files of prom-client. Its main file also loads a push gateway, summaries, clusters and process metrics with their
 * dependencies, which takes more time at the start than all of our metrics.
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
