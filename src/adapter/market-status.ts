export {
  MarketStatus,
  MarketStatusEndpoint,
  type MarketStatusEndpointGenerics,
  marketStatusEndpointInputParametersDefinition,
  type MarketStatusResultResponse,
  TwentyfourFiveMarketStatus,
} from './market-status-endpoint'
