import { type SingleNumberResultResponse } from '../feeds/responses'
import { type TransportGenerics } from '../transports/transport'
import { type InputParametersDefinition } from '../validation/input-parameters'
import { AdapterEndpoint } from './adapter-endpoint'

export type StockEndpointInputParametersDefinition = InputParametersDefinition & {
  base: {
    aliases: readonly ['from', 'symbol', 'asset', 'coin', 'ticker', ...string[]]
    type: 'string'
    description: 'The stock ticker to query'
    required: boolean
  }
}

/** The parameter `base` with its usual aliases, for every endpoint that gives the price of a stock. */
export const stockEndpointInputParametersDefinition = {
  base: {
    aliases: ['from', 'symbol', 'asset', 'coin', 'ticker'],
    type: 'string',
    description: 'The stock ticker to query',
    required: true,
  },
} as const satisfies StockEndpointInputParametersDefinition

export type StockEndpointGenerics = TransportGenerics & {
  Parameters: StockEndpointInputParametersDefinition
  Response: SingleNumberResultResponse
}

/** Marks an endpoint for the prices of stocks. */
export class StockEndpoint<T extends StockEndpointGenerics> extends AdapterEndpoint<T> {
  protected override get guardedFields(): readonly string[] {
    return ['result']
  }
}
