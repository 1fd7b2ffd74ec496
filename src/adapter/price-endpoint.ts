import { type SingleNumberResultResponse } from '../feeds/responses'
import { type TransportGenerics } from '../transports/transport'
import { type InputParametersDefinition } from '../validation/input-parameters'
import { AdapterEndpoint } from './adapter-endpoint'
import { withAliases } from './aliases'
import { type AdapterEndpointParams } from './params'

/** The parameters `base` and `quote` with their usual aliases, for every endpoint that gives the price of one asset in another. */
export const priceEndpointInputParametersDefinition = {
  base: {
    aliases: ['from', 'coin'],
    type: 'string',
    description: 'The symbol of symbols of the currency to query',
    required: true,
  },
  quote: {
    aliases: ['to', 'market'],
    type: 'string',
    description: 'The symbol of the currency to convert to',
    required: true,
  },
} as const satisfies InputParametersDefinition

export type PriceEndpointInputParametersDefinition = InputParametersDefinition & {
  base: {
    aliases: readonly ['from', 'coin', ...string[]]
    type: 'string'
    description: 'The symbol of symbols of the currency to query'
    required?: boolean
  }
  quote: {
    aliases: readonly ['to', 'market', ...string[]]
    type: 'string'
    description: 'The symbol of the currency to convert to'
    required?: boolean
  }
}

export type PriceEndpointGenerics = TransportGenerics & {
  Parameters: PriceEndpointInputParametersDefinition
  Response: SingleNumberResultResponse
}

/** Marks an endpoint to which `includes` apply. */
export class PriceEndpoint<T extends PriceEndpointGenerics> extends AdapterEndpoint<T> {
  protected override get guardedFields(): readonly string[] {
    return ['result']
  }
}

/** A price endpoint that also has the aliases `crypto` and `price`. */
export class CryptoPriceEndpoint<T extends PriceEndpointGenerics> extends PriceEndpoint<T> {
  constructor(params: AdapterEndpointParams<T>) {
    params.aliases = withAliases(params.name, params.aliases, ['crypto', 'price'])
    super(params)
  }
}

export class ForexPriceEndpoint<T extends PriceEndpointGenerics> extends PriceEndpoint<T> {}
