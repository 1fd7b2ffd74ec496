/**
 * Prices that an editor, or another system, keeps in Strapi: one entry for each pair.
 *
 * Source: Strapi 5, remote data transfer or REST API; see protocols/strapi/README.md.
 * Units: the price in units of the quote asset, as text or as a number; the time as a datetime.
 */
import {
  CryptoPriceEndpoint,
  priceEndpointInputParametersDefinition,
  pure,
} from '../../../../src/public/adapter'
import { HttpTransport, TransportRoutes } from '../../../../src/public/transports'
import { priceMapping, strapiRest, StrapiPullTransport } from '../..'
import { type SingleNumberResultResponse } from '../../../../src/public/util'
import { InputParameters } from '../../../../src/public/validation'
import { config } from './config'

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'ETH', quote: 'USD' },
])

type Settings = typeof config.settings
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: Settings
  Provider: { RequestBody: never; ResponseBody: unknown }
}

const at = (url: string, path: string) => `${url.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`

const mapping = (settings: Settings) =>
  priceMapping({
    contentType: settings.PRICE_CONTENT_TYPE,
    base: settings.PRICE_BASE_ATTRIBUTE,
    quote: settings.PRICE_QUOTE_ATTRIBUTE,
    value: settings.PRICE_VALUE_ATTRIBUTE,
    observedAt: settings.PRICE_TIME_ATTRIBUTE,
    ...(settings.PRICE_LOCALE ? { locale: settings.PRICE_LOCALE } : {}),
  })

const pullTransport = () =>
  new StrapiPullTransport<Types>({
    connection: ({ SERVER_URL, ADMIN_PATH, SERVER_TOKEN }) => ({
      adminUrl: at(SERVER_URL, ADMIN_PATH),
      token: SERVER_TOKEN,
    }),
    intervalMs: ({ PULL_INTERVAL_MS }) => PULL_INTERVAL_MS,
    mappings: (settings) => [mapping(settings)],
  })

const restTransport = () =>
  new HttpTransport<Types>(
    strapiRest({
      connection: ({ SERVER_URL, PRICE_REST_PATH, SERVER_TOKEN }) => ({
        url: at(SERVER_URL, PRICE_REST_PATH),
        token: SERVER_TOKEN,
      }),
      mapping,
      identify: ({ base, quote }, { PRICE_BASE_ATTRIBUTE, PRICE_QUOTE_ATTRIBUTE }) => ({
        [PRICE_BASE_ATTRIBUTE]: base,
        [PRICE_QUOTE_ATTRIBUTE]: quote,
      }),
      timeAttribute: ({ PRICE_TIME_ATTRIBUTE }) => PRICE_TIME_ATTRIBUTE,
    }),
  )

export const createPriceEndpoint = () =>
  new CryptoPriceEndpoint<Types>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transportRoutes: new TransportRoutes<Types>()
      .register('pull', pullTransport())
      .register('rest', restTransport()),
    customRouter: pure((_request: unknown, { READ_MODE }: Settings) => READ_MODE),
    guards: {
      get maxAgeMs() {
        return config.settings.MAX_PRICE_AGE_MS
      },
    },
  })
