export interface Pair {
  base: string
  quote: string
}

/** @throws Error for text that is not a list of pairs, and for a pair that is there twice */
export const feedsOf = (list: string): Pair[] => {
  const pairs = list.split(',').map((text) => {
    const [base = '', quote = '', ...rest] = text.trim().split('/')
    if (base === '' || quote === '' || rest.length > 0)
      throw new Error('must be pairs such as BTC/USD, separated by commas')
    return { base, quote }
  })
  const names = new Set(pairs.map(({ base, quote }) => `${base}/${quote}`))
  if (names.size < pairs.length) throw new Error('must name each pair once')
  return pairs
}
