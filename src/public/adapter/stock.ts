/** The work is in adapter/stock-endpoint. */
export {
  StockEndpoint,
  type StockEndpointGenerics,
  type StockEndpointInputParametersDefinition,
  stockEndpointInputParametersDefinition,
} from '../../adapter/stock-endpoint'
