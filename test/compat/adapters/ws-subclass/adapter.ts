import { Adapter, AdapterEndpoint, EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { WebSocket, WebSocketTransport } from '@chainlink/external-adapter-framework/transports'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.subclass.example' },
  SESSION: { description: 'Session to ask for', type: 'string', default: 'alpha' },
})

const inputParameters = new InputParameters({
  symbol: { required: true, type: 'string', description: 'Symbol' },
})

type Quote = { s: string; p: number }

export type WsTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: Quote[] | 'welcome' }
}

export const calls: string[] = []

/** Frames are base64 of lines, subscriptions go in one message, and a connection counts once it was welcomed. */
export class LineTransport extends WebSocketTransport<WsTypes> {
  welcomed?: () => void

  deserializeMessage(data: WebSocket.Data): WsTypes['Provider']['WsMessage'] {
    const text = Buffer.from(data.toString(), 'base64').toString()
    if (text === 'WELCOME') return 'welcome'
    return text.split('\n').map((line) => {
      const [s, p] = line.split('=')
      return { s, p: Number(p) }
    })
  }

  async establishWsConnection(
    context: EndpointContext<WsTypes>,
    url: string,
    options?: Parameters<WebSocketTransport<WsTypes>['establishWsConnection']>[2],
  ): ReturnType<WebSocketTransport<WsTypes>['establishWsConnection']> {
    calls.push(`establish ${url}`)
    const connection = await super.establishWsConnection(
      context,
      `${url}/${context.adapterSettings.SESSION}`,
      options,
    )
    calls.push(`established ${context.endpointName}`)
    return connection
  }

  async sendMessages(context: EndpointContext<WsTypes>, messages: unknown[]): Promise<void> {
    const params = messages as { symbol: string }[]
    calls.push(`send ${params.map(({ symbol }) => symbol).join(',')}`)
    await super.sendMessages(context, [{ symbols: params.map(({ symbol }) => symbol) }])
  }

  serializeMessage(payload: unknown): string {
    return Buffer.from(JSON.stringify(payload)).toString('base64')
  }
}

export const transport = new LineTransport({
  url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
  handlers: {
    open: async (connection) => {
      calls.push('open')
      await new Promise<void>((resolve) => {
        connection.addEventListener('message', (event) => {
          if (Buffer.from(event.data.toString(), 'base64').toString() === 'WELCOME') resolve()
        })
      })
      calls.push('welcomed')
    },
    message: (message) =>
      message === 'welcome'
        ? undefined
        : message.map(({ s, p }) => ({
            params: { symbol: s },
            response: { result: p, data: { result: p } },
          })),
  },
  builders: {},
})

export const adapter = new Adapter({
  name: 'WS_SUBCLASS',
  defaultEndpoint: 'quote',
  config,
  endpoints: [new AdapterEndpoint({ name: 'quote', transport, inputParameters })],
})
