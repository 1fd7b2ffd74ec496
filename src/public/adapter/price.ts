/** The work is in adapter/price-adapter and adapter/price-endpoint. */
export { type IncludesFile, PriceAdapter } from '../../adapter/price-adapter'
export {
  CryptoPriceEndpoint,
  ForexPriceEndpoint,
  PriceEndpoint,
  type PriceEndpointGenerics,
  type PriceEndpointInputParametersDefinition,
  priceEndpointInputParametersDefinition,
} from '../../adapter/price-endpoint'
