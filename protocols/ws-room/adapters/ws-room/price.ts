/**
 * Prices that known accounts sign and say in a Decentraland room.
 *
 * Source: the room protocol `ws-room`, with prices in Scene packets as protocols/ws-room/README.md describes them.
 * Units: `value` is decimal text in the quote asset, `observed_at` says when it was seen.
 */
import { CryptoPriceEndpoint, priceEndpointInputParametersDefinition } from '../../../../src/public/adapter'
import { WsRoomTransport } from '../..'
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
      /** Account that answers for it. */
      signer: string
    }
  }
  Settings: typeof config.settings
}

const createTransport = () =>
  new WsRoomTransport<Types>({
    options: optionsOf,
    paramsOf: pairOf,
    response({ value, signer, observedAt }) {
      const result = Number(value)
      const timestamps = { providerIndicatedTimeUnixMs: observedAt }
      return { result, data: { result, value, signer }, timestamps }
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
      // Others say what they have, not what was asked for; how much of that is kept has a limit.
      onlyWanted: false,
    },
  })
