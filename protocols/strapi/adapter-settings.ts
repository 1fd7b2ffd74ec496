import { validator } from '../../src/public/validation/utils'

/** Settings that the adapters of this protocol have in common. */

export const serverUrl = {
  description: 'Address of the Strapi server, for example https://cms.example.org',
  type: 'string',
  required: true,
  sensitive: false,
  validate: validator.url({ schemes: ['http', 'https'] }),
} as const

export const adminPath = {
  description: 'Path of the admin panel, under which transfers are made',
  type: 'string',
  default: '/admin',
  sensitive: false,
  validate: validator.path(),
} as const

/** @param what - what becomes of a price that was observed longer ago, as "is not served" */
export const maxPriceAge = (what: string) =>
  ({
    description: `A price that was observed longer ago ${what} (ms)`,
    type: 'number',
    default: 300_000,
    validate: validator.integer({ min: 60_000, max: 31_536_000_000 }),
  }) as const

/** @param what - what the content type is for, as "that holds the prices" */
export const contentType = (what: string) =>
  ({
    description: `Content type ${what}`,
    type: 'string',
    default: 'api::price.price',
    sensitive: false,
  }) as const

/** An attribute of the content type. */
export const attribute = (what: string, name: string) =>
  ({ description: `Attribute with ${what}`, type: 'string', default: name, sensitive: false }) as const
