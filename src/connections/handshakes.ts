import { type Socket } from 'node:net'

/**
 * The callers that have not said yet who they are. They have places of their own, which no number of them can keep from the next one: it
 * puts out the one that has been there for the longest time, of its own address if that has more than its part.
 */
export class Handshakes {
  /** With the address of each, in the order of their coming. */
  private readonly callers = new Map<Socket, string>()
  private readonly maxOfAddress: number

  constructor(private readonly max: number) {
    this.maxOfAddress = Math.max(1, Math.floor(max / 2))
  }

  /** @returns the caller that has to go, if one has to */
  enter(wire: Socket): Socket | undefined {
    const address = wire.remoteAddress ?? ''
    const crowdedOut = this.crowdedOutBy(address)
    if (crowdedOut !== undefined) this.callers.delete(crowdedOut)
    this.callers.set(wire, address)
    return crowdedOut
  }

  leave(wire: Socket): void {
    this.callers.delete(wire)
  }

  private crowdedOutBy(address: string): Socket | undefined {
    const counts = new Map<string, number>()
    for (const one of this.callers.values()) counts.set(one, (counts.get(one) ?? 0) + 1)
    if ((counts.get(address) ?? 0) >= this.maxOfAddress) return this.oldestOf(address)
    if (this.callers.size < this.max) return undefined
    const [most] = [...counts].sort(([, a], [, b]) => b - a)
    return this.oldestOf(most?.[0] ?? address)
  }

  private oldestOf(address: string): Socket | undefined {
    for (const [wire, one] of this.callers) if (one === address) return wire
    return undefined
  }
}
