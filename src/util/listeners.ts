/** Those who want to hear of something, each for as long as he listens. */
export class Listeners {
  private readonly all = new Set<() => void>()

  /** @returns a function that ends the listening */
  add(listener: () => void): () => void {
    // The same function may be added twice.
    const own = (): void => listener()
    this.all.add(own)
    return () => void this.all.delete(own)
  }

  tell(): void {
    if (this.all.size > 0) for (const listener of [...this.all]) listener()
  }
}
