import { type Feed } from './feed'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { isObject } from '../util/objects'

const logger = makeLogger('Spellings')

/** Spellings of one feed that are compared; what comes after is not. */
const MAX_SPELLINGS = 8

type Data = Record<string, unknown>

/**
 * Warns where letter case does not count and may have to: of two spellings that clients asked for one feed by, once per pair. All lower
 * case beside another is how people write; two that both have capitals (`USDe` and `USDE`) may be two assets, and get the price of one.
 */
export class Spellings {
  private readonly limiter = new LogLimiter()

  /** @param params - by which a client asked for the feed */
  note(feed: Feed, params: Data): void {
    const known = (feed.spellings ??= [params])
    for (const one of known) if (areSpelledAlike(one, params)) return
    if (known.length >= MAX_SPELLINGS) return
    for (const one of known) {
      const pair = rivals(one, params)
      if (pair !== undefined) this.warn(feed, pair)
    }
    known.push(params)
  }

  private warn({ endpointName, feedId }: Feed, [first, second]: readonly [string, string]): void {
    this.limiter.run(`${first} ${second}`, (repeated) =>
      logger.warn(
        { endpoint: endpointName, feed: feedId, repeated },
        `"${first}" and "${second}" are one feed here, because letter case does not count at this endpoint: both get the same value`,
      ),
    )
  }
}

/** Of params of one feed, which therefore differ in letter case and in the order of members at most. */
const areSpelledAlike = (one: unknown, other: unknown): boolean => {
  if (one === other || !isObject(one) || !isObject(other)) return one === other || typeof one !== 'string'
  for (const name in one) if (!areSpelledAlike(one[name], other[name])) return false
  return true
}

const hasCapitals = (text: string): boolean => text !== text.toLowerCase()

/** The first two texts in params of one feed that may mean two things. */
const rivals = (one: unknown, other: unknown): readonly [string, string] | undefined => {
  if (typeof one === 'string' && typeof other === 'string')
    return one !== other && hasCapitals(one) && hasCapitals(other) ? [one, other] : undefined
  if (!isObject(one) || !isObject(other)) return undefined
  for (const name in one) {
    const found = rivals(one[name], other[name])
    if (found !== undefined) return found
  }
  return undefined
}
