import { AllowedTypes, type Entity, Pull, type PullOptions } from '../..'

export const TOKENS = {
  both: 'test-transfer-token-both',
  pull: 'test-transfer-token-pull',
  push: 'test-transfer-token-push',
  expired: 'test-transfer-token-expired',
} as const

export const PRICE = 'api::price.price'
export const VENUE = 'api::venue.venue'
export const RATE = 'api::asset-rate.asset-rate'

/** Every row of the site's own types, read by a pull. */
export const rowsOf = async (options: PullOptions): Promise<Entity[]> => {
  const pull = await Pull.open(options, new AbortController().signal)
  try {
    const rows: Entity[] = []
    for await (const batch of pull.entities(new AllowedTypes([PRICE, VENUE, RATE]))) rows.push(...batch)
    await pull.finish()
    return rows
  } finally {
    pull.abandon()
  }
}

/** Prices as `BTC/USD 1`, in order. */
export const pricesIn = (rows: readonly Entity[], base?: string): string[] =>
  rows
    .filter(({ type, data }) => type === PRICE && (base === undefined || data.base === base))
    .map(({ data }) => `${data.base as string}/${data.quote as string} ${data.value as number}`)
    .sort()
