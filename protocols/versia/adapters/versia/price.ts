/**
 * Prices that known signers push over WebSocket, each an entity of its own with a signature.
 *
 * Source: Versia, Working Drafts 4 and 5 (messages) and 0.6 (signatures); protocols/versia/README.md.
 * Units: `value` is a decimal text in the quote asset, `observed_at` says when it was seen.
 */
import { CryptoPriceEndpoint, priceEndpointInputParametersDefinition } from '../../../../src/public/adapter'
import { VersiaTransport } from '../..'
import { InputParameters } from '../../../../src/public/validation'
import { commonNames } from '../../../../endpoints/common/asset-codes'
import { config } from './config'
import { naming, pairOf } from './pairs'
import { optionsOf } from './setup'

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'ETH', quote: 'USD' },
  { base: 'BTC', quote: 'EUR' },
])

type Types = {
  Parameters: typeof inputParameters.definition
  Response: {
    Result: number
    Data: {
      result: number
      /** The price exactly as it was signed; `result` is the nearest number. */
      value: string
      /** How many decimals the sender means it to have, where it says so. */
      decimals?: number
      signedBy: string
    }
  }
  Settings: typeof config.settings
}

const createTransport = () =>
  new VersiaTransport<Types>({
    options: optionsOf,
    price(price) {
      const params = pairOf(price)
      if (params === undefined) return undefined
      const { value, decimals, signedBy } = price
      const result = Number(value)
      return { params, response: { result, data: { result, value, decimals, signedBy } } }
    },
  })

export const createPriceEndpoint = () =>
  new CryptoPriceEndpoint<Types>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transport: createTransport(),
    requestTransforms: [commonNames(naming)],
    guards: {
      get maxAgeMs() {
        return config.settings.MAX_PRICE_AGE_MS
      },
      get futureToleranceMs() {
        return config.settings.AHEAD_TOLERANCE_MS
      },
      // A peer sends what it has, not what was asked for; how much of that is kept has a limit.
      onlyWanted: false,
    },
  })
