/** So many rows share one page. */
const ROWS = 64

/** Where the numbers of one object are: those at `page[at]` and after it. */
export interface NumberRow {
  readonly page: Float64Array
  readonly at: number
}

/**
 * Gives out rows of numbers, many of which lie side by side. For objects of which there are thousands: a number in a member of its own takes
 * 24 bytes where it is no small integer, at a place of its own that is slow to reach. A row is never given out twice, and the memory of a page
 * is free when nobody has a row of it any more.
 */
export class NumberRows {
  private page = new Float64Array(0)
  private at = 0

  constructor(private readonly width: number) {}

  /** A row of zeros. */
  take(): NumberRow {
    if (this.at + this.width > this.page.length) {
      this.page = new Float64Array(ROWS * this.width)
      this.at = 0
    }
    const row = { page: this.page, at: this.at }
    this.at += this.width
    return row
  }
}
