import { type ContentTypeMapping, contentTypeMapping } from './mapping'

/** A price as both ways out of Strapi give it: `result` in units of the quote asset. */
export interface PriceResult {
  params: { base: string; quote: string }
  response: {
    result: number
    data: { result: number }
    timestamps: { providerIndicatedTimeUnixMs: number }
  }
}

export interface PriceAttributes {
  /** Identifier of the content type. Default `api::price.price`. */
  contentType?: string
  /** Attribute with the symbol of the base asset. Default `base`. */
  base?: string
  /** Attribute with the symbol of the quote asset. Default `quote`. */
  quote?: string
  /** Attribute with the price: text, or a number. On PostgreSQL and MySQL a decimal is rounded to two places: use text there. Default `value`. */
  value?: string
  /** Attribute with the time that the price is from; `updatedAt` for the time of its last change. Default `observedAt`. */
  observedAt?: string
  /** Locale, for an internationalised content type. */
  locale?: string
}

/**
 * Maps a table of prices. A price that is not above zero is left to the endpoint's guards, which refuse it by name; one without a time
 * is refused, because nothing could tell that it is old.
 */
export const priceMapping = ({
  contentType = 'api::price.price',
  base = 'base',
  quote = 'quote',
  value = 'value',
  observedAt = 'observedAt',
  locale,
}: PriceAttributes = {}): ContentTypeMapping<PriceResult> =>
  contentTypeMapping({
    contentType,
    attributes: { [base]: 'text', [quote]: 'text', [value]: 'number', [observedAt]: 'time' },
    ...(locale === undefined ? {} : { locale }),
    map({ attributes }) {
      const result = attributes[value] as number
      return {
        params: { base: attributes[base] as string, quote: attributes[quote] as string },
        response: {
          result,
          data: { result },
          timestamps: { providerIndicatedTimeUnixMs: attributes[observedAt] as number },
        },
      }
    },
  })
