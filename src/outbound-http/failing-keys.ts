import { overflowed } from '../metrics/bounds'

/** So many keys are remembered. */
const MAX_KEYS = 1_000

/**
 * Tells what fails because of itself, such as a request for a symbol that the provider answers with an error: others have succeeded
 * between two of its failures. What fails while nothing succeeds says something about the host.
 */
export class FailingKeys {
  private successes = 0
  /** How many successes there had been when a key failed last. */
  private readonly before = new Map<string, number>()

  succeeded(key: string): void {
    this.successes += 1
    this.before.delete(key)
  }

  /** A request has failed. Returns whether that is its own fault, as far as is known. */
  failed(key: string): boolean {
    const before = this.before.get(key)
    this.before.delete(key)
    this.before.set(key, this.successes)
    const [oldest] = this.before.keys()
    if (this.before.size > MAX_KEYS && oldest !== undefined) {
      this.before.delete(oldest)
      overflowed('failing_requests')
    }
    return before !== undefined && before < this.successes
  }
}
