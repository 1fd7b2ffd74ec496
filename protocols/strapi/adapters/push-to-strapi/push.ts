/**
 * Writes the prices of the endpoint beside it into Strapi. Answers requests with a report of what was pushed last.
 *
 * Source: Strapi's remote data transfer; see protocols/strapi/pushing.md.
 */
import { AdapterEndpoint } from '../../../../src/public/adapter'
import { type HttpTransport } from '../../../../src/public/transports'
import { type ServedValue, type SinkMode, type SinkReport, StrapiPushTransport } from '../..'
import { InputParameters } from '../../../../src/public/validation'
import { type config, MODES } from './config'
import { feedsOf } from './feeds'
import { type PriceTypes } from './price'

type Settings = typeof config.settings

const inputParameters = new InputParameters({}, [{}])

export type PushTypes = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: SinkReport }
  Settings: Settings
}

const at = (url: string, path: string) => `${url.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`

const modeOf = ({ PUSH_MODE, PRICE_BASE_ATTRIBUTE, PRICE_QUOTE_ATTRIBUTE }: Settings): SinkMode => {
  const kind = MODES.find((mode) => mode === PUSH_MODE)
  if (kind === undefined) throw new Error(`There is no mode "${PUSH_MODE}"`)
  return kind === 'replace-matching'
    ? { kind, attributes: [PRICE_BASE_ATTRIBUTE, PRICE_QUOTE_ATTRIBUTE] }
    : { kind }
}

/** A string fits columns of text and of decimals alike, and does not pass through a float on its way. */
const attributesOf =
  ({ PRICE_BASE_ATTRIBUTE, PRICE_QUOTE_ATTRIBUTE, PRICE_VALUE_ATTRIBUTE, PRICE_TIME_ATTRIBUTE }: Settings) =>
  ({ params, response }: ServedValue<PriceTypes>) => ({
    [PRICE_BASE_ATTRIBUTE]: params.base,
    [PRICE_QUOTE_ATTRIBUTE]: params.quote,
    [PRICE_VALUE_ATTRIBUTE]: String(response.result),
    [PRICE_TIME_ATTRIBUTE]: new Date(response.timestamps.providerIndicatedTimeUnixMs!).toISOString(),
  })

export const createPushEndpoint = (prices: HttpTransport<PriceTypes>) =>
  new AdapterEndpoint<PushTypes>({
    name: 'push',
    inputParameters,
    transport: new StrapiPushTransport<PriceTypes, PushTypes>({
      connection: ({ SERVER_URL, ADMIN_PATH, SERVER_TOKEN: token, VERIFY_TOKEN: verifyToken }) => ({
        adminUrl: at(SERVER_URL, ADMIN_PATH),
        token,
        verifyToken,
      }),
      intervalMs: ({ INTERVAL_MS }) => INTERVAL_MS,
      mode: modeOf,
      contentType: ({ PRICE_CONTENT_TYPE }) => PRICE_CONTENT_TYPE,
      source: (settings) => ({
        transport: prices,
        feeds: feedsOf(settings.FEEDS),
        attributes: attributesOf(settings),
      }),
    }),
  })
