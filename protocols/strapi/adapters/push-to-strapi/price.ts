/**
 * Prices of another adapter, asked for over its own HTTP interface.
 *
 * Units: `result` in units of the quote asset; its time is the provider's, or when the other adapter received it.
 */
import { AdapterEndpoint } from '../../../../src/public/adapter'
import { HttpTransport } from '../../../../src/public/transports'
import { type SingleNumberResultResponse } from '../../../../src/public/util'
import { InputParameters } from '../../../../src/public/validation'
import { config } from './config'

const inputParameters = new InputParameters(
  {
    base: { description: 'Symbol of the base asset', type: 'string', required: true },
    quote: { description: 'Symbol of the quote asset', type: 'string', required: true },
  },
  [{ base: 'BTC', quote: 'USD' }],
)

interface SourceAnswer {
  result?: unknown
  errorMessage?: string
  timestamps?: { providerIndicatedTimeUnixMs?: number; providerDataReceivedUnixMs?: number }
}

export type PriceTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { RequestBody: object; ResponseBody: SourceAnswer }
}

const responseOf = ({ result, errorMessage, timestamps = {} }: SourceAnswer) => {
  const providerIndicatedTimeUnixMs =
    timestamps.providerIndicatedTimeUnixMs ?? timestamps.providerDataReceivedUnixMs
  if (typeof result !== 'number' || providerIndicatedTimeUnixMs === undefined)
    return {
      statusCode: 502,
      errorMessage: errorMessage ?? 'The source answered without a price or its time',
    }
  return { result, data: { result }, timestamps: { providerIndicatedTimeUnixMs } }
}

export const createPriceTransport = () =>
  new HttpTransport<PriceTypes>({
    prepareRequests: (feeds, { SOURCE_URL: url, SOURCE_ENDPOINT: endpoint }) =>
      feeds.map((params) => ({
        params: [params],
        request: { method: 'POST', url, data: { data: { endpoint, ...params } } },
      })),
    parseResponse: (feeds, { data }) => feeds.map((params) => ({ params, response: responseOf(data) })),
  })

export const createPriceEndpoint = (transport: HttpTransport<PriceTypes>) =>
  new AdapterEndpoint<PriceTypes>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transport,
    guards: {
      get maxAgeMs() {
        return config.settings.MAX_PRICE_AGE_MS
      },
    },
  })
