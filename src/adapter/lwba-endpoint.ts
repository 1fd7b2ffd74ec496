import { type TimestampedProviderResult } from '../feeds/responses'
import { refusedResult } from '../feeds/result-validation'
import { type TransportGenerics } from '../transports/transport'
import { AdapterEndpoint } from './adapter-endpoint'
import { withAliases } from './aliases'
import { type AdapterEndpointParams } from './params'
import {
  type PriceEndpointInputParametersDefinition,
  priceEndpointInputParametersDefinition,
} from './price-endpoint'

export type LwbaEndpointInputParametersDefinition = PriceEndpointInputParametersDefinition

/** The parameters `base` and `quote`, as every price endpoint has them. */
export const lwbaEndpointInputParametersDefinition = {
  ...priceEndpointInputParametersDefinition,
} as const satisfies LwbaEndpointInputParametersDefinition

/** The answer of a bid/ask endpoint: three prices in `data`, and no `result`. */
export type LwbaResponseDataFields = {
  Result: null
  Data: { mid: number; bid: number; ask: number }
}

export type LwbaEndpointGenerics = TransportGenerics & {
  Parameters: LwbaEndpointInputParametersDefinition
  Response: LwbaResponseDataFields
}

/** The aliases that every bid/ask endpoint has. */
export const DEFAULT_LWBA_ALIASES = ['crypto-lwba', 'crypto_lwba', 'cryptolwba']

/**
 * Says what is wrong with three prices, all of which must be there, with the middle one between the others; empty when nothing is (contract
 * 4.5).
 */
export const validateLwbaResponse = (bid?: number, mid?: number, ask?: number): string => {
  const got = `Got: (bid: ${bid}, mid: ${mid}, ask: ${ask})`
  if (!bid || !mid || !ask)
    return `Invariant violation. LWBA response must contain mid, bid and ask prices. ${got}`
  if (mid < bid || mid > ask)
    return `Invariant violation. Mid price must be between bid and ask prices. ${got}`
  return ''
}

/**
 * An endpoint for bid, mid and ask prices (lightweight bid/ask). It also has the aliases in {@link DEFAULT_LWBA_ALIASES}. A quote that
 * {@link validateLwbaResponse} refuses is written as an error with status 502 (contract 18.4), which never replaces a live quote.
 */
export class LwbaEndpoint<T extends LwbaEndpointGenerics> extends AdapterEndpoint<T> {
  constructor(params: AdapterEndpointParams<T>) {
    params.aliases = withAliases(params.name, params.aliases, DEFAULT_LWBA_ALIASES)
    super(params)
  }

  protected override get guardedFields(): readonly string[] {
    return ['data.bid', 'data.mid', 'data.ask']
  }

  protected override resultValidator(result: TimestampedProviderResult<T>): TimestampedProviderResult<T> {
    const { response } = result
    if (response.errorMessage !== undefined) return result
    const quote = response.data as Partial<LwbaResponseDataFields['Data']> | null | undefined
    const problem = validateLwbaResponse(quote?.bid, quote?.mid, quote?.ask)
    return problem === '' ? result : refusedResult(result, problem)
  }
}
