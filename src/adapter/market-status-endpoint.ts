import { type TransportGenerics } from '../transports/transport'
import { memberOf } from '../util/objects'
import { AdapterInputError } from '../validation/errors'
import { type InputParametersDefinition } from '../validation/input-parameters'
import { parseWeekendString } from '../validation/weekend'
import { AdapterEndpoint } from './adapter-endpoint'
import { type AdapterEndpointParams } from './params'
import { pure } from './pure'

/** Parameters that select the market and the kind of its hours. */
export const marketStatusEndpointInputParametersDefinition = {
  market: {
    aliases: [],
    type: 'string',
    description: 'The name of the market',
    required: true,
  },
  type: {
    type: 'string',
    description: 'Type of the market status',
    options: ['regular', '24/5'],
    default: 'regular',
  },
  weekend: {
    type: 'string',
    description: 'DHH-DHH:TZ, 520-020:America/New_York means Fri 20:00 to Sun 20:00 Eastern Time Zone',
  },
  force245MarketStatus: {
    type: 'boolean',
    description: 'Return response in 24/5 market status',
    default: false,
  },
} as const satisfies InputParametersDefinition

/** Whether a market is open, by its regular hours. An unknown state is `UNKNOWN`, never `CLOSED`. */
export enum MarketStatus {
  UNKNOWN = 0,
  CLOSED = 1,
  OPEN = 2,
}

/** The current session of a market that trades around the clock from Monday to Friday. */
export enum TwentyfourFiveMarketStatus {
  UNKNOWN = 0,
  PRE_MARKET = 1,
  REGULAR = 2,
  POST_MARKET = 3,
  OVERNIGHT = 4,
  WEEKEND = 5,
}

type AnyMarketStatus = MarketStatus | TwentyfourFiveMarketStatus

export type MarketStatusResultResponse = {
  Result: AnyMarketStatus
  Data: { result: AnyMarketStatus; statusString: string }
}

export type MarketStatusEndpointGenerics = TransportGenerics & {
  Parameters: typeof marketStatusEndpointInputParametersDefinition
  Response: MarketStatusResultResponse
}

/** contract 4.5: `24/5` hours need a weekend, regular hours must not have one. */
const checkWeekend = (params: unknown): void => {
  const type = memberOf(params, 'type')
  const weekend = memberOf(params, 'weekend')
  if (type === '24/5') parseWeekendString(typeof weekend === 'string' ? weekend : undefined)
  else if (type === 'regular' && weekend) {
    throw new AdapterInputError({
      statusCode: 400,
      message: '[Param: weekend] must be empty when [Param: type] is regular',
    })
  }
}

/** An endpoint that tells whether a market is open. Its rule about weekends replaces the author's input validation. */
export class MarketStatusEndpoint<T extends MarketStatusEndpointGenerics> extends AdapterEndpoint<T> {
  constructor(params: AdapterEndpointParams<T>) {
    params.customInputValidation = pure((req: { requestContext: { data: unknown } }) => {
      checkWeekend(req.requestContext.data)
      return undefined
    })
    super(params)
  }
}
