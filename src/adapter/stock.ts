export {
  StockEndpoint,
  type StockEndpointGenerics,
  type StockEndpointInputParametersDefinition,
  stockEndpointInputParametersDefinition,
} from './stock-endpoint'
