import {
  Adapter,
  EndpointContext,
  MarketStatus,
  MarketStatusEndpoint,
  marketStatusEndpointInputParametersDefinition,
  MarketStatusResultResponse,
  TwentyfourFiveMarketStatus,
} from '@chainlink/external-adapter-framework/adapter'
import { ResponseCache } from '@chainlink/external-adapter-framework/cache/response'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { Transport, TransportDependencies } from '@chainlink/external-adapter-framework/transports'
import { AdapterRequest, AdapterResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import { TypeFromDefinition } from '@chainlink/external-adapter-framework/validation/input-params'
import { isWeekendNow } from '@chainlink/external-adapter-framework/validation/market-status'

export const config = new AdapterConfig({
  OPEN_HOUR: { description: 'UTC hour at which the market opens', type: 'number', default: 9 },
  CLOSE_HOUR: { description: 'UTC hour at which it closes', type: 'number', default: 17 },
})

const inputParameters = new InputParameters(marketStatusEndpointInputParametersDefinition)

type EndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: MarketStatusResultResponse
  Settings: typeof config.settings
}

/** Answers from the clock alone. */
export class HoursTransport implements Transport<EndpointTypes> {
  name!: string
  responseCache!: ResponseCache<EndpointTypes>

  async initialize(
    dependencies: TransportDependencies<EndpointTypes>,
    _settings: EndpointTypes['Settings'],
    _endpointName: string,
    transportName: string,
  ): Promise<void> {
    this.responseCache = dependencies.responseCache
    this.name = transportName
  }

  async foregroundExecute(
    req: AdapterRequest<TypeFromDefinition<EndpointTypes['Parameters']>>,
    settings: EndpointTypes['Settings'],
  ): Promise<AdapterResponse<EndpointTypes['Response']>> {
    const { market, type, weekend } = req.requestContext.data
    const now = new Date(Date.now())
    const isOpen = now.getUTCHours() >= settings.OPEN_HOUR && now.getUTCHours() < settings.CLOSE_HOUR
    let result: MarketStatus | TwentyfourFiveMarketStatus
    let statusString: string
    if (type === '24/5') {
      result = isWeekendNow(weekend)
        ? TwentyfourFiveMarketStatus.WEEKEND
        : isOpen
          ? TwentyfourFiveMarketStatus.REGULAR
          : TwentyfourFiveMarketStatus.OVERNIGHT
      statusString = TwentyfourFiveMarketStatus[result]
    } else {
      result = market === 'nowhere' ? MarketStatus.UNKNOWN : isOpen ? MarketStatus.OPEN : MarketStatus.CLOSED
      statusString = MarketStatus[result]
    }
    const response = {
      result,
      data: { result, statusString },
      statusCode: 200,
      timestamps: {
        providerDataRequestedUnixMs: now.getTime(),
        providerDataReceivedUnixMs: now.getTime(),
        providerIndicatedTimeUnixMs: undefined,
      },
    }
    await this.responseCache.write(this.name, [{ params: req.requestContext.data, response }])
    return response
  }
}

export type Context = EndpointContext<EndpointTypes>

export const adapter = new Adapter({
  name: 'MARKET_STATUS',
  defaultEndpoint: 'market-status',
  config,
  endpoints: [
    new MarketStatusEndpoint({ name: 'market-status', transport: new HoursTransport(), inputParameters }),
  ],
})
