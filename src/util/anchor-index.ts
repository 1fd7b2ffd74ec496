const GRAM_LENGTH = 3
const BUCKETS = 4096

/** A text to look for, and other texts that must also occur for it to count. All in lower case. */
export interface Anchor {
  /** At least `MIN_ANCHOR_LENGTH` long. */
  text: string
  companions: string[]
}

interface OwnedAnchor extends Anchor {
  owner: number
}

const bucketOf = (first: number, second: number, third: number): number =>
  ((first * 31 + second) * 31 + third) & (BUCKETS - 1)

/** An anchor must be at least this long. */
export const MIN_ANCHOR_LENGTH = GRAM_LENGTH

/**
 * Finds which of many short texts occur in a longer one, in one pass whose cost does not grow with their number. A
 * regular expression with as many alternatives would try each of them at every position, and above a certain size it
 * cannot be compiled at all.
 */
export class AnchorIndex {
  private readonly isUsed = new Uint8Array(BUCKETS)
  private readonly buckets = new Map<number, OwnedAnchor[]>()

  /** @param anchors - what to look for, by owner */
  constructor(anchors: Anchor[][]) {
    anchors.forEach((owned, owner) => {
      for (const anchor of owned) {
        const { text } = anchor
        const bucket = bucketOf(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2))
        const inBucket = this.buckets.get(bucket) ?? []
        inBucket.push({ ...anchor, owner })
        this.buckets.set(bucket, inBucket)
        this.isUsed[bucket] = 1
      }
    })
  }

  /** The owners with at least one anchor in the text, which must be in lower case; undefined if there are none. */
  ownersIn(text: string): Set<number> | undefined {
    let owners: Set<number> | undefined
    let first = text.charCodeAt(0)
    let second = text.charCodeAt(1)
    for (let at = 2; at < text.length; at++) {
      const third = text.charCodeAt(at)
      const bucket = bucketOf(first, second, third)
      if (this.isUsed[bucket] === 1) {
        for (const { text: sought, companions, owner } of this.buckets.get(bucket) ?? []) {
          if (owners?.has(owner) || !text.startsWith(sought, at - 2)) continue
          if (companions.every((companion) => text.includes(companion)))
            owners = (owners ?? new Set()).add(owner)
        }
      }
      first = second
      second = third
    }
    return owners
  }
}
