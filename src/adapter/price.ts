export { type IncludesFile, PriceAdapter } from './price-adapter'
export {
  CryptoPriceEndpoint,
  ForexPriceEndpoint,
  PriceEndpoint,
  type PriceEndpointGenerics,
  type PriceEndpointInputParametersDefinition,
  priceEndpointInputParametersDefinition,
} from './price-endpoint'
