import { AdapterConfig } from '../../../../src/public/config'
import { validator } from '../../../../src/public/validation/utils'

export const config = new AdapterConfig(
  {
    SERVER_URL: {
      description: 'Address of the Strapi server, for example https://cms.example.org',
      type: 'string',
      required: true,
      sensitive: false,
      validate: validator.url({ schemes: ['http', 'https'] }),
    },
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
      default: 300_000,
      validate: validator.integer({ min: 60_000, max: 3_000_000 }),
    },
    MAX_PRICE_AGE_MS: {
      description: 'A price that was observed longer ago is not served (ms)',
      type: 'number',
      default: 86_400_000,
      validate: validator.integer({ min: 60_000, max: 31_536_000_000 }),
    },
    ADMIN_PATH: {
      description: 'Path of the admin panel, under which transfers are made',
      type: 'string',
      default: '/admin',
      sensitive: false,
      validate: validator.path(),
    },
    PRICE_CONTENT_TYPE: {
      description: 'Content type that holds the prices',
      type: 'string',
      default: 'api::price.price',
      sensitive: false,
    },
    PRICE_REST_PATH: {
      description: 'Path of the content type in the REST API',
      type: 'string',
      default: '/api/prices',
      sensitive: false,
      validate: validator.path(),
    },
    PRICE_BASE_ATTRIBUTE: {
      description: 'Attribute with the symbol of the base asset',
      type: 'string',
      default: 'base',
      sensitive: false,
    },
    PRICE_QUOTE_ATTRIBUTE: {
      description: 'Attribute with the symbol of the quote asset',
      type: 'string',
      default: 'quote',
      sensitive: false,
    },
    PRICE_VALUE_ATTRIBUTE: {
      description: 'Attribute with the price: text, or a number',
      type: 'string',
      default: 'value',
      sensitive: false,
    },
    PRICE_TIME_ATTRIBUTE: {
      description: 'Attribute with the time that a price is from; updatedAt for the time of its last change',
      type: 'string',
      default: 'observedAt',
      sensitive: false,
    },
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
