/** Credits that were spent, and how long it is until they come back, in ms. */
export interface SpentCredits {
  credits: number
  backInMs: number
}

/** Where it is kept what was spent, so that a restarted process does not spend it again (RL-2). */
export interface SpentStore {
  /**
   * What was spent in windows of these lengths, those that come back first before others; undefined if it is not known. It ends within a
   * bounded time, and never rejects. From now on {@link add} counts for these windows.
   */
  read(lengthsMs: readonly number[]): Promise<SpentCredits[][] | undefined>
  /** Counts credits, and has them written later. */
  add(credits: number): void
}
