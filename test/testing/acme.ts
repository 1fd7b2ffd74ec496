import { Adapter, PriceEndpoint, priceEndpointInputParametersDefinition } from '../../src/public/adapter'
import { AdapterConfig } from '../../src/public/config'
import { WebSocketTransport } from '../../src/public/transports'
import { type SingleNumberResultResponse } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'

/** A small adapter as an author would write it: one socket, `{ s: 'ETH/USD', p: 1 }` for a price. */
export const makeAcme = () => {
  const config = new AdapterConfig({
    WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', required: true },
  })
  const inputParameters = new InputParameters(priceEndpointInputParametersDefinition)
  type Types = {
    Parameters: typeof inputParameters.definition
    Response: SingleNumberResultResponse
    Settings: typeof config.settings
    Provider: { WsMessage: { s: string; p: number } }
  }
  const symbol = ({ base, quote }: typeof inputParameters.validated) => `${base}/${quote}`.toUpperCase()
  const transport = new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    handlers: {
      message({ s, p }) {
        const [base = '', quote = ''] = s.split('/')
        return [{ params: { base, quote }, response: { result: p, data: { result: p } } }]
      },
    },
    builders: {
      subscribeMessage: (params) => ({ op: 'subscribe', s: symbol(params) }),
      unsubscribeMessage: (params) => ({ op: 'unsubscribe', s: symbol(params) }),
    },
  })
  const price = new PriceEndpoint({ name: 'price', aliases: ['crypto'], transport, inputParameters })
  return new Adapter({ name: 'ACME', defaultEndpoint: 'price', config, endpoints: [price] })
}
