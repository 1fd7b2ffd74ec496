const FEED = /^([A-Z0-9]{1,32})\/([A-Z0-9]{1,32})$/

/** The pair that a feed is for. Upper case alone: `USDe/USD` and `USDE/USD` are two feeds, and only one of them can be meant (ID-1). */
export const pairOf = (feed: string): { base: string; quote: string } | undefined => {
  const [, base, quote] = FEED.exec(feed) ?? []
  return base === undefined || quote === undefined ? undefined : { base, quote }
}
