/** What the adapter is made of, see `adapter.cjs`. */
interface Made {
  kind: 'ws' | 'http' | 'sse' | 'both'
  url: string
  declared: object
}

/** @param modules - what the framework's modules `adapter`, `config`, `transports` and `validation` export */
export function smallAdapter<A>(
  modules: { Adapter: new (...args: never[]) => A; AdapterEndpoint: unknown; InputParameters: unknown },
  of: Made,
): A
