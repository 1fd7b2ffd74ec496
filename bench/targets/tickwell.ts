/**
 * One adapter as an operator would run it: metrics on, a secret set, log level info. On the built package, or on the one that
 * `--package` names: the reference framework runs the very same source.
 */
import path from 'node:path'
import type { Adapter as AdapterClass, AdapterEndpoint as EndpointClass } from '../../src/adapter'
import type { AdapterConfig as ConfigClass } from '../../src/config'
import type { expose as exposeFunction } from '../../src/index'
import type { WebSocketTransport as TransportClass } from '../../src/transports'
import type { InputParameters as ParametersClass } from '../../src/validation'
import { argument, reportListening, type Tick } from '../shared'

const root = argument('package', path.join(__dirname, '../../../package'))

const load = <M>(subpath: string): M =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- which package is decided by an argument
  require(path.join(root, subpath)) as M

const { Adapter, AdapterEndpoint } = load<{
  Adapter: typeof AdapterClass
  AdapterEndpoint: typeof EndpointClass
}>('adapter')
const { AdapterConfig } = load<{ AdapterConfig: typeof ConfigClass }>('config')
const { WebSocketTransport } = load<{ WebSocketTransport: typeof TransportClass }>('transports')
const { InputParameters } = load<{ InputParameters: typeof ParametersClass }>('validation')
const { expose } = load<{ expose: typeof exposeFunction }>('.')

const config = new AdapterConfig({
  API_KEY: { description: 'A secret', type: 'string', sensitive: true, default: 'bench-secret-0123456789' },
})
const inputParameters = new InputParameters({
  base: { description: 'Base asset', type: 'string', required: true },
  quote: { description: 'Quote asset', type: 'string', required: true },
})
type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: { result: number } }
  Settings: typeof config.settings
  Provider: { WsMessage: Tick }
}
const provider = argument('provider', '')
const transport = new WebSocketTransport<Types>({
  url: () => provider,
  handlers: {
    message: ({ base, quote, price, time }) => [
      {
        params: { base, quote },
        response: {
          result: price,
          data: { result: price },
          timestamps: { providerIndicatedTimeUnixMs: time },
        },
      },
    ],
  },
  builders: {
    subscribeMessage: (params) => ({ op: 'subscribe', ...params }),
    unsubscribeMessage: (params) => ({ op: 'unsubscribe', ...params }),
  },
})
const endpoint = new AdapterEndpoint<Types>({ name: 'price', transport, inputParameters })
const adapter = new Adapter({ name: 'BENCH', defaultEndpoint: 'price', endpoints: [endpoint], config })
void expose(adapter).then((api) => reportListening(api!.server))
