/** The quotes of a world: each has a number that is nowhere else, so that every value that is served can be traced to what was sent. */

const FIRST = 1_000

/**
 * A quote is `json` (what is sent as the result), `asOf` (the provider's time; undefined where it gives none) and `number`: what may be
 * served of it, undefined for what may not be served at all.
 */
export class Values {
  #last = FIRST

  /** @param now - the time of the world, in Unix ms */
  constructor(now) {
    this.now = now
  }

  /** @param byMs - how far its time is from now */
  honest(byMs = 0) {
    const number = ++this.#last
    return { json: String(number), number, asOf: Math.round(this.now() + byMs) }
  }

  /** A number as text: as good as a number. */
  text() {
    const quote = this.honest()
    return { ...quote, json: `"${quote.number}.0"` }
  }

  timeless() {
    return { ...this.honest(), asOf: undefined }
  }

  /** What is no price; `#` in the pattern stands for a number of its own. */
  none(pattern) {
    const { number, asOf } = this.honest()
    return { json: pattern.replace('#', number), asOf }
  }
}
