/**
 * One adapter (or `--adapters` of them) as an operator would run it: metrics on, a secret set, log level info. On the built package, or
 * on the one that `--package` names: the reference framework runs the very same source.
 */
import path from 'node:path'
import type { Adapter as AdapterClass, AdapterEndpoint as EndpointClass } from '../../src/public/adapter'
import type { AdapterConfig as ConfigClass } from '../../src/public/config'
import type { expose as exposeFunction, ServerInstance, start as startFunction } from '../../src/public'
import type { WebSocketTransport as TransportClass } from '../../src/public/transports'
import type { InputParameters as ParametersClass } from '../../src/public/validation'
import { type Tick } from '../feeds'
import { argument, portOf, reportListening } from './control'

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
const { expose, start } = load<{ expose: typeof exposeFunction; start: typeof startFunction }>('index')

const provider = argument('provider')

const createAdapter = (name: Uppercase<string>) => {
  const config = new AdapterConfig({
    API_KEY: {
      description: 'A secret',
      type: 'string',
      sensitive: true,
      default: 'bench-secret-0123456789',
    },
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
  return new Adapter({ name, defaultEndpoint: 'price', endpoints: [endpoint], config })
}

const listen = async (api: ServerInstance | undefined): Promise<number> => {
  await api?.listen({ host: '127.0.0.1', port: 0 })
  return api === undefined ? 0 : portOf(api.server)
}

const exposed = async (): Promise<number> => {
  const api = await expose(createAdapter('BENCH'))
  return api === undefined ? 0 : portOf(api.server)
}

/** Further adapters in the same process, each with its own server. @returns their ports */
const host = async (count: number): Promise<number[]> => {
  const ports: number[] = []
  for (let index = 1; index <= count; index++) {
    const { api } = await start(createAdapter(`BENCH${index}` as Uppercase<string>))
    ports.push(await listen(api))
  }
  return ports
}

const main = async (): Promise<void> => {
  const port = await exposed()
  const further = await host(Number(argument('adapters', '1')) - 1)
  reportListening(port, { furtherPorts: () => further })
}

// Said here: a framework may listen for rejections itself, and go on without a word that anybody reads.
void main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
