import { type TransportGenerics } from '../transports/transport'
import { AdapterLWBAError } from '../validation/errors'
import { AdapterEndpoint } from './adapter-endpoint'
import { withAliases } from './aliases'
import { type AdapterEndpointParams, type CustomOutputValidator } from './params'
import {
  type PriceEndpointInputParametersDefinition,
  priceEndpointInputParametersDefinition,
} from './price-endpoint'
import { pure } from './pure'

export type LwbaEndpointInputParametersDefinition = PriceEndpointInputParametersDefinition

/** `base` and `quote`, as every price endpoint has them. */
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

/** The names that every bid/ask endpoint answers to. */
export const DEFAULT_LWBA_ALIASES = ['crypto-lwba', 'crypto_lwba', 'cryptolwba']

/** What is wrong with three prices that have to be there, the middle one between the others; empty when nothing is (contract 4.5). */
export const validateLwbaResponse = (bid?: number, mid?: number, ask?: number): string => {
  const got = `Got: (bid: ${bid}, mid: ${mid}, ask: ${ask})`
  if (!bid || !mid || !ask)
    return `Invariant violation. LWBA response must contain mid, bid and ask prices. ${got}`
  if (mid < bid || mid > ask)
    return `Invariant violation. Mid price must be between bid and ask prices. ${got}`
  return ''
}

const checkLwba = pure<CustomOutputValidator>((output) => {
  const data = output.data as Partial<LwbaResponseDataFields['Data']> | null | undefined
  const message = validateLwbaResponse(data?.bid, data?.mid, data?.ask)
  if (message !== '') throw new AdapterLWBAError({ statusCode: 500, message })
  return undefined
})

/**
 * An endpoint for bid, mid and ask (lightweight bid/ask). Answers to {@link DEFAULT_LWBA_ALIASES} as well; an answer that breaks
 * {@link validateLwbaResponse} becomes an `AdapterLWBAError`. The rule takes the place of the author's output validation.
 */
export class LwbaEndpoint<T extends LwbaEndpointGenerics> extends AdapterEndpoint<T> {
  constructor(params: AdapterEndpointParams<T>) {
    params.aliases = withAliases(params.name, params.aliases, DEFAULT_LWBA_ALIASES)
    params.customOutputValidation = checkLwba
    super(params)
  }
}
