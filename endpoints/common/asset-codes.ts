import { pure } from '../../src/public/adapter'
import { type AdapterRequest } from '../../src/public/util'
import { AdapterInputError } from '../../src/public/validation/error'

/** Clients and venues agree on letters and digits; anything else could make two pairs look like one symbol. */
const CODE = /^[a-z0-9]{1,32}$/i

const refuse = (param: string, problem: string): never => {
  throw new AdapterInputError({ statusCode: 400, message: `[Param: ${param}] ${problem}` })
}

/** Translates asset codes between their common names and those of one venue. */
export interface AssetNaming {
  /**
   * The one common name of what a client wrote. Equal cache keys give equal names.
   *
   * @throws AdapterInputError 400 for what names no asset, or may name another one than the client means
   */
  common(given: string, param: string): string
  /** The venue's code for a common name. */
  venue(common: string): string
}

/**
 * Upper-case codes with a table of exceptions. A client that writes a venue's own code for something else (`UST` where that is the
 * venue's code for USDT) is refused: the same letters are the common name of another asset.
 */
export class AssetCodes implements AssetNaming {
  private readonly venueOf: ReadonlyMap<string, string>

  /**
   * @param of.commonOf - the venue's codes that differ from the common names
   * @param of.spellings - old names that clients may use, with the common ones
   */
  constructor(
    private readonly of: {
      venue: string
      commonOf?: ReadonlyMap<string, string>
      spellings?: ReadonlyMap<string, string>
    },
  ) {
    this.venueOf = new Map([...(of.commonOf ?? [])].map(([code, name]) => [name, code]))
  }

  common(given: string, param: string): string {
    if (!CODE.test(given)) return refuse(param, `"${given.slice(0, 40)}" is not an asset code`)
    const code = given.toUpperCase()
    const { venue, commonOf, spellings } = this.of
    const meaning = commonOf?.get(code)
    if (meaning !== undefined && !this.venueOf.has(code))
      return refuse(param, `"${code}" is ${venue}'s code for ${meaning}: ask for ${meaning}`)
    return spellings?.get(code) ?? code
  }

  venue(common: string): string {
    return this.venueOf.get(common) ?? common
  }
}

/** Gives every spelling of a pair the same parameters, so that it is one feed and the venue always sees the same symbol (ID-2). */
export const commonNames = (naming: AssetNaming) =>
  pure(({ requestContext: { data } }: AdapterRequest<{ base: string; quote: string }>): void => {
    data.base = naming.common(data.base, 'base')
    data.quote = naming.common(data.quote, 'quote')
  })
