import { AssetCodes } from '../../../../endpoints/common/asset-codes'

/** The one name of an asset, for clients and peers alike. Letter case counts, for USDe is another asset than USDE (ID-1); `eth` is ETH. */
export const naming = new AssetCodes({ venue: 'the provider' })
