import { type Feed } from './feed'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { isObject } from '../util/objects'

const logger = makeLogger('Spellings')

/** At most this many spellings of one feed are compared; later ones are ignored. */
const MAX_SPELLINGS = 8
/** Spellings of feeds that are larger are not kept, in bytes. */
const MAX_WEIGHT = 4_096

type Data = Record<string, unknown>

/**
 * For endpoints where letter case does not count: warns when two clients may mean different assets but get the same feed. Two spellings
 * that both have capitals (`USDe` and `USDE`) may be two assets, so there is one warning for each such pair. A spelling in lower case only
 * is no reason for a warning, because people often write so.
 */
export class Spellings {
  private readonly limiter = new LogLimiter()

  /** @param whose - what belongs to the adapter and its endpoint */
  constructor(private readonly whose: object) {}

  /** @param params - of a client's request for the feed */
  note(feed: Feed, params: Data): void {
    if (feed.weight > MAX_WEIGHT) return
    const { askedAs, otherSpellings = [] } = feed
    if (askedAs === undefined) {
      feed.askedAs = params
      return
    }
    // Nearly all feeds have one spelling only.
    if (areSpelledAlike(askedAs, params)) return
    const known = [askedAs, ...otherSpellings]
    if (known.length >= MAX_SPELLINGS || known.some((one) => areSpelledAlike(one, params))) return
    for (const one of known) {
      const pair = rivals(one, params)
      if (pair !== undefined) this.warn(feed, pair)
    }
    feed.otherSpellings = [...otherSpellings, params]
  }

  private warn({ endpointName, feedId }: Feed, [first, second]: readonly [string, string]): void {
    this.limiter.run(`${first} ${second}`, (repeated) =>
      named(logger, this.whose).warn(
        { endpoint: endpointName, feed: feedId, repeated },
        `"${first}" and "${second}" are one feed here, because letter case does not count at this endpoint: both get the same value`,
      ),
    )
  }
}

/** Both are params of one feed, so they can differ only in letter case and in the order of members. */
const areSpelledAlike = (one: unknown, other: unknown): boolean => {
  if (one === other || !isObject(one) || !isObject(other)) return one === other || typeof one !== 'string'
  for (const name in one) if (!areSpelledAlike(one[name], other[name])) return false
  return true
}

const hasCapitals = (text: string): boolean => text !== text.toLowerCase()

/** The first two texts in params of one feed that may mean two different assets. */
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
