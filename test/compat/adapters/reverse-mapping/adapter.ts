import { Adapter, AdapterEndpoint } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { WebsocketReverseMappingTransport } from '@chainlink/external-adapter-framework/transports'
import { ProviderResult, SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.ids.example' },
})

const inputParameters = new InputParameters({
  asset: { aliases: ['base'], required: true, type: 'string', description: 'Asset' },
  currency: { default: 'EUR', type: 'string', description: 'Currency' },
})

export type Message = { id: string; values: { last: string; at: number }[] }

export type WsTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: Message }
}

const instruments: Record<string, string> = { gold: 'XAU-1', silver: 'XAG-7' }

export const transport: WebsocketReverseMappingTransport<WsTypes, string> =
  new WebsocketReverseMappingTransport<WsTypes, string>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    handlers: {
      message(message): ProviderResult<WsTypes>[] | undefined {
        const params = transport.getReverseMapping(message.id)
        if (params === undefined || message.values.length === 0) return undefined
        const { last, at } = message.values[message.values.length - 1]
        const result = Number(last)
        return [
          {
            params,
            response: { result, data: { result }, timestamps: { providerIndicatedTimeUnixMs: at } },
          },
        ]
      },
    },
    builders: {
      subscribeMessage: (params) => {
        const id = instruments[params.asset.toLowerCase()] ?? params.asset
        const channel = `${id}.${params.currency}`
        transport.setReverseMapping(channel, params)
        return `SUB ${channel}`
      },
      unsubscribeMessage: (params) => {
        const id = instruments[params.asset.toLowerCase()] ?? params.asset
        return `UNSUB ${id}.${params.currency}`
      },
    },
  })

export const adapter = new Adapter({
  name: 'REVERSE_MAPPING',
  defaultEndpoint: 'commodity',
  config,
  endpoints: [new AdapterEndpoint({ name: 'commodity', transport, inputParameters })],
})
