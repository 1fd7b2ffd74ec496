import { AssetCodes, type AssetNaming } from '../../../../endpoints/common/asset-codes'
import { AdapterInputError } from '../../../../src/public/validation/error'

const codes = new AssetCodes({ venue: 'the provider' })

const MIXED_CASE = /[a-z].*[A-Z]|[A-Z].*[a-z]/

/**
 * The one name of an asset, for clients and peers alike. Letter case does not count, here as in every key of the cache; so codes in mixed
 * case are refused, for USDe is another asset than USDE (ID-1).
 */
export const naming: AssetNaming = {
  common(given, param) {
    if (!MIXED_CASE.test(given)) return codes.common(given, param)
    const message = `[Param: ${param}] "${given.slice(0, 40)}" is in mixed case: ASSET_NAMES can give it a name of its own`
    throw new AdapterInputError({ statusCode: 400, message })
  },
  venue: (common) => common,
}
