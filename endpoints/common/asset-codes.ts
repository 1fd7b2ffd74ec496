import { pure } from '../../src/public/adapter'
import { type AdapterRequest } from '../../src/public/util'
import { AdapterInputError } from '../../src/public/validation/error'
import { KNOWN_ASSETS } from './known-assets'

/** Clients and venues agree on letters and digits; anything else could make two pairs look like one symbol. */
const CODE = /^[a-z0-9]{1,32}$/i

const refuse = (param: string, problem: string): never => {
  throw new AdapterInputError({ statusCode: 400, message: `[Param: ${param}] ${problem}` })
}

const isLowerCase = (text: string): boolean => text === text.toLowerCase()
const isUpperCase = (text: string): boolean => text === text.toUpperCase()

/** Translates asset codes between their common names and those of one venue. */
export interface AssetNaming {
  /**
   * The one common name of what a client wrote: equal names are equal feeds.
   *
   * @throws AdapterInputError 400 for what names no asset, or may name another one than the client means
   */
  common(given: string, param: string): string
  /** The venue's code for a common name. */
  venue(common: string): string
}

/**
 * Asset codes with a table of exceptions. Letter case counts: what a client spells exactly as the venue is what it gets, and text in another
 * spelling is the only known name that differs in letter case alone. Text in lower case that is like no known name is in upper case, as
 * codes are (`eth` is ETH); any other goes to the venue as it is, for it knows best whether it lists `USDe`.
 *
 * A client that writes a venue's own code for something else (`UST` where that is the venue's code for USDT) is refused: the same letters
 * are the common name of another asset.
 */
export class AssetCodes implements AssetNaming {
  private readonly venueOf: ReadonlyMap<string, string>
  /** By their lower case: names that are known, from this venue or from anywhere. */
  private readonly known = new Map<string, Set<string>>()

  /**
   * @param of.commonOf - the venue's codes that differ from the common names
   * @param of.spellings - old names that clients may use, with the common ones
   * @param of.listed - names that the venue lists and that are not known everywhere: those not in upper case, and those that clients like to
   *   write otherwise
   */
  constructor(
    private readonly of: {
      venue: string
      commonOf?: ReadonlyMap<string, string>
      spellings?: ReadonlyMap<string, string>
      listed?: readonly string[]
    },
  ) {
    const { commonOf = new Map<string, string>(), spellings = new Map<string, string>(), listed = [] } = of
    this.venueOf = new Map([...commonOf].map(([code, name]) => [name, code]))
    for (const name of [...KNOWN_ASSETS, ...listed, ...[...commonOf, ...spellings].flat()]) {
      const alike = this.known.get(name.toLowerCase())
      if (alike === undefined) this.known.set(name.toLowerCase(), new Set([name]))
      else alike.add(name)
    }
  }

  common(given: string, param: string): string {
    if (!CODE.test(given)) return refuse(param, `"${given.slice(0, 40)}" is not an asset code`)
    const code = this.spelled(given, param)
    const { venue, commonOf, spellings } = this.of
    const meaning = commonOf?.get(code)
    if (meaning !== undefined && !this.venueOf.has(code))
      return refuse(param, `"${code}" is ${venue}'s code for ${meaning}: ask for ${meaning}`)
    return spellings?.get(code) ?? code
  }

  venue(common: string): string {
    return this.venueOf.get(common) ?? common
  }

  private spelled(given: string, param: string): string {
    const alike = this.known.get(given.toLowerCase())
    // Tables are not the whole list of a venue: a code as codes are usually written is one of its own.
    if (isUpperCase(given) || alike?.has(given)) return given
    if (alike === undefined) return isLowerCase(given) ? given.toUpperCase() : given
    const [only, ...others] = alike
    if (others.length > 0)
      return refuse(param, `"${given}" may be any of ${[...alike].join(', ')}: letter case tells them apart`)
    return only!
  }
}

/** Gives every spelling of a pair the same parameters, so that it is one feed and the venue always sees the same symbol (ID-2). */
export const commonNames = (naming: AssetNaming) =>
  pure(({ requestContext: { data } }: AdapterRequest<{ base: string; quote: string }>): void => {
    data.base = naming.common(data.base, 'base')
    data.quote = naming.common(data.quote, 'quote')
  })
