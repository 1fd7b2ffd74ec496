import { type Link } from '../../src/connections/link'

const SECOND_MS = 1_000

/**
 * Keeps one connection from taking the time of the others: after so many messages within a second nothing more is read from it until
 * the second is over, and the peer feels that as back-pressure. Nothing is lost.
 */
export class FloodBrake {
  private messages = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  /** @param onBrake - called when reading pauses */
  constructor(
    private readonly link: Pick<Link, 'pause' | 'resume'>,
    private readonly maxPerSecond: number,
    private readonly onBrake: () => void,
  ) {}

  count(): void {
    this.timer ??= setTimeout(() => this.release(), SECOND_MS)
    this.messages++
    if (this.messages !== this.maxPerSecond) return
    this.link.pause()
    this.onBrake()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private release(): void {
    const wasBraked = this.messages >= this.maxPerSecond
    this.timer = undefined
    this.messages = 0
    if (wasBraked) this.link.resume()
  }
}
