import { AdapterConfig } from '../../../../src/public/config'
import { validator } from '../../../../src/public/validation/utils'
import { adminPath, attribute, contentType, maxPriceAge, serverUrl } from '../../adapter-settings'

export const config = new AdapterConfig(
  {
    SERVER_URL: serverUrl,
    SERVER_TOKEN: {
      description:
        'With READ_MODE=pull a transfer token with the permission "pull" alone, with READ_MODE=rest an API token that may find prices. A transfer token reads everything that Strapi has: guard it like a password of the database',
      type: 'string',
      required: true,
      sensitive: true,
    },
    READ_MODE: {
      description:
        'Read the prices by a whole data transfer (pull), or ask the REST API for those that are wanted (rest), which is gentler',
      type: 'enum',
      options: ['pull', 'rest'],
      default: 'pull',
    },
    PULL_INTERVAL_MS: {
      description:
        'Pause between two transfers (ms). CACHE_MAX_AGE must be longer. A transfer is heavy for the server',
      type: 'number',
      default: 120_000,
      validate: validator.integer({ min: 60_000, max: 3_000_000 }),
    },
    MAX_PRICE_AGE_MS: maxPriceAge('is not served'),
    ADMIN_PATH: adminPath,
    PRICE_CONTENT_TYPE: contentType('that holds the prices'),
    PRICE_REST_PATH: {
      description: 'Path of the content type in the REST API',
      type: 'string',
      default: '/api/prices',
      sensitive: false,
      validate: validator.path(),
    },
    PRICE_BASE_ATTRIBUTE: attribute('the symbol of the base asset', 'base'),
    PRICE_QUOTE_ATTRIBUTE: attribute('the symbol of the quote asset', 'quote'),
    PRICE_VALUE_ATTRIBUTE: attribute('the price: text, or a number', 'value'),
    PRICE_TIME_ATTRIBUTE: attribute(
      'the time that a price is from; updatedAt for the time of its last change',
      'observedAt',
    ),
    PRICE_LOCALE: {
      description: 'Locale of the prices, if their content type is internationalised',
      type: 'string',
      sensitive: false,
    },
  },
  {
    envVarsPrefix: 'STRAPI',
    // Base settings may stand without the prefix; the names above are long enough to be nobody else's.
    envVarsFallback: true,
    envDefaultOverrides: {
      // Three intervals: one pull may fail, and one may take long, before a price ends.
      CACHE_MAX_AGE: 900_000,
      // A feed stays wanted from one pull to the next.
      WS_SUBSCRIPTION_TTL: 900_000,
    },
  },
)
