/**
 * The parts of prom-client by their files. Its main file also loads a push gateway, summaries, clusters and process metrics with
 * their own dependencies, which costs a start more than all of our metrics do.
 */
declare module 'prom-client/lib/counter' {
  import type { Counter } from 'prom-client'
  export default Counter
}
declare module 'prom-client/lib/gauge' {
  import type { Gauge } from 'prom-client'
  export default Gauge
}
declare module 'prom-client/lib/histogram' {
  import type { Histogram } from 'prom-client'
  export default Histogram
}
declare module 'prom-client/lib/registry' {
  import type { Registry } from 'prom-client'
  export const globalRegistry: Registry
}
