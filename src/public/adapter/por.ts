/** The work is in adapter/por-adapter and adapter/por-endpoints. */
export { PoRAdapter } from '../../adapter/por-adapter'
export {
  type PoRAddress,
  PoRAddressEndpoint,
  type PoRAddressEndpointGenerics,
  type PoRAddressResponse,
  type PoRBalance,
  PoRBalanceEndpoint,
  type PoRBalanceEndpointGenerics,
  type PoRBalanceEndpointInputParametersDefinition,
  porBalanceEndpointInputParametersDefinition,
  type PoRBalanceResponse,
  PoRProviderEndpoint,
  type PoRProviderEndpointGenerics,
  type PoRProviderResponse,
  type PoRTokenAddress,
  PoRTokenAddressEndpoint,
  type PoRTokenAddressEndpointGenerics,
  type PoRTokenAddressResponse,
  PoRTotalBalanceEndpoint,
  type PoRTotalBalanceEndpointGenerics,
} from '../../adapter/por-endpoints'
