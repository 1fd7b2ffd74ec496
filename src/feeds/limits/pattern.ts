/** The parts of a feed's names. They are compared in lower case, because letter case does not matter here. */
export interface FeedNaming {
  adapter: string
  /** The endpoint's name and its aliases. */
  endpoints: readonly string[]
  /** The values of the feed's parameters. */
  feed: string
}

/** The names of adapters have hyphens, and the names of their settings underscores: both are allowed. */
export const spellings = (adapter: string): string[] => {
  const name = adapter.toLowerCase()
  return [...new Set([name, name.replaceAll('-', '_'), name.replaceAll('_', '-')])]
}

/** All names of a feed: its name alone, with its adapter before it, and with its adapter and endpoint before it. */
export const namesOf = ({ adapter, endpoints, feed }: FeedNaming): string[] => {
  const name = feed.toLowerCase()
  const behind = spellings(adapter).flatMap((prefix) => [
    `${prefix}:${name}`,
    ...endpoints.map((endpoint) => `${prefix}:${endpoint.toLowerCase()}:${name}`),
  ])
  return [name, ...behind]
}

/** Whether a text begins with the first piece, ends with the last, and has the others between them, in order. */
const fits = ([first = '', ...between]: readonly string[], text: string): boolean => {
  const last = between.pop()
  if (last === undefined) return text === first
  const end = text.length - last.length
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const piece of between) {
    const found = text.indexOf(piece, at)
    if (found === -1 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

/**
 * A matcher for a pattern in which `*` stands for any number of characters other than `:`. For any pattern the time that it takes is in
 * proportion to the length of the text.
 */
export const matcherOf = (pattern: string): ((text: string) => boolean) => {
  const parts = pattern.split(':').map((part) => part.split('*'))
  return (text) => {
    const texts = text.split(':')
    return texts.length === parts.length && parts.every((pieces, at) => fits(pieces, texts[at]!))
  }
}
