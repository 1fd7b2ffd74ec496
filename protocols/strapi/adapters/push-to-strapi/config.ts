import { AdapterConfig } from '../../../../src/public/config'
import { validator } from '../../../../src/public/validation/utils'
import { adminPath, attribute, contentType, maxPriceAge, serverUrl } from '../../adapter-settings'
import { feedsOf } from './feeds'

export const MODES = ['append', 'replace-matching', 'replace-type'] as const

export const config = new AdapterConfig(
  {
    SERVER_URL: serverUrl,
    SERVER_TOKEN: {
      description:
        'Transfer token with the permission "push". It can delete content: guard it like a password of the database',
      type: 'string',
      required: true,
      sensitive: true,
    },
    VERIFY_TOKEN: {
      description:
        'Transfer token with the permission "pull", to look up a push of unknown outcome. Without it SERVER_TOKEN needs both permissions',
      type: 'string',
      sensitive: true,
    },
    // Not MODE: test runners set a variable of that name.
    PUSH_MODE: {
      description:
        'What happens to rows that are there. append: they stay; replace-matching: those of the same base and quote are replaced; replace-type: ALL rows of the content type are deleted, whoever wrote them',
      type: 'enum',
      options: MODES,
      required: true,
      sensitive: false,
    },
    SOURCE_URL: {
      description:
        'Where the adapter answers whose prices are pushed, for example http://127.0.0.1:8080/kraken',
      type: 'string',
      required: true,
      sensitive: false,
      validate: validator.url({ schemes: ['http', 'https'] }),
    },
    SOURCE_ENDPOINT: {
      description: 'Name of its endpoint',
      type: 'string',
      default: 'price',
      sensitive: false,
    },
    FEEDS: {
      description: 'Pairs to push, separated by commas: BTC/USD,ETH/USD',
      type: 'string',
      required: true,
      sensitive: false,
      validate: {
        meta: { details: 'Pairs of symbols, each pair once, separated by commas' },
        fn: (value?: string) => {
          try {
            feedsOf(value ?? '')
            return undefined
          } catch (error) {
            return (error as Error).message
          }
        },
      },
    },
    INTERVAL_MS: {
      description: 'Pause between two pushes (ms)',
      type: 'number',
      default: 60_000,
      validate: validator.integer({ min: 60_000, max: 86_400_000 }),
    },
    MAX_PRICE_AGE_MS: maxPriceAge('is not pushed'),
    ADMIN_PATH: adminPath,
    PRICE_CONTENT_TYPE: contentType('to write into'),
    PRICE_BASE_ATTRIBUTE: attribute('the symbol of the base asset', 'base'),
    PRICE_QUOTE_ATTRIBUTE: attribute('the symbol of the quote asset', 'quote'),
    PRICE_VALUE_ATTRIBUTE: attribute('the price: text, or a decimal', 'value'),
    PRICE_TIME_ATTRIBUTE: attribute('the time that a price is from', 'observedAt'),
  },
  { envVarsPrefix: 'PUSH_TO_STRAPI', envVarsFallback: true },
)
