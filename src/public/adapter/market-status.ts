/** The work is in adapter/market-status-endpoint. */
export {
  MarketStatus,
  MarketStatusEndpoint,
  type MarketStatusEndpointGenerics,
  marketStatusEndpointInputParametersDefinition,
  type MarketStatusResultResponse,
  TwentyfourFiveMarketStatus,
} from '../../adapter/market-status-endpoint'
