import { CryptoPriceEndpoint, type PriceEndpointGenerics } from '../../src/public/adapter'
import { type TimestampedProviderResult } from '../../src/public/util'
import { type Quote } from './quote'

type Generics = PriceEndpointGenerics & { Response: { Result: number; Data: Quote } }

/**
 * A price endpoint of a venue whose frames carry the time of the book, or of sending, and not that of the last trade: the time of one
 * never vouches for the other (FR-1). So the last trade is served only while it is within the book, else the mid; without a whole book
 * there is no price.
 */
export class BookPriceEndpoint<T extends Generics> extends CryptoPriceEndpoint<T> {
  protected override resultValidator(result: TimestampedProviderResult<T>): TimestampedProviderResult<T> {
    const { response } = result
    if (response.errorMessage !== undefined) return result
    const { result: last, bid, mid, ask } = response.data
    if (bid === undefined || ask === undefined) {
      const errorMessage = 'The last trade has no time of its own, and there is no book to hold it against'
      return { ...result, response: { errorMessage, statusCode: 502, timestamps: response.timestamps } }
    }
    // A crossed book has no mid, and is refused by the guards.
    if (mid === undefined || (bid <= last && last <= ask)) return result
    return { ...result, response: { ...response, result: mid, data: { ...response.data, result: mid } } }
  }
}
