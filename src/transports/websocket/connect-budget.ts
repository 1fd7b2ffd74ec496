import { type ClientOptions } from 'ws'
import { type Hold } from '../../connections/connection-life'
import { type SlidingWindow } from '../../outbound-http/sliding-window'
import { secondsOf } from '../../util/clock'
import { type RollingLimit, windowOf } from './limits'

/**
 * The connections that a transport may open in a rolling interval, all its sockets together (CN-5, SB-7). Attempts that are under way count.
 * Those that the provider has not noticed, because nothing listens there, are given back. Without a limit it allows everything.
 */
export class ConnectBudget {
  private readonly window: SlidingWindow | undefined
  private underWay = 0

  /** @param onFreed - called when there may be one more */
  constructor(
    private readonly limit: RollingLimit | undefined,
    private readonly onFreed: () => void,
  ) {
    this.window = limit && windowOf(limit, onFreed)
  }

  /** Why no connection may be opened now; undefined when one may. */
  get hold(): Hold | undefined {
    return this.holdAbove(0)
  }

  /** The same for a connection beside the main one, for which one attempt is left. */
  get holdAside(): Hold | undefined {
    return this.holdAbove(1)
  }

  /**
   * Counts an attempt to open a connection.
   *
   * @param connect - gets the options to connect with, by which it is noticed whether the provider accepts
   */
  attempt<T>(
    options: ClientOptions | undefined,
    connect: (options: ClientOptions | undefined) => Promise<T>,
  ): Promise<T> {
    return this.window === undefined ? connect(options) : this.counted(this.window, options, connect)
  }

  stop(): void {
    this.window?.stop()
  }

  private holdAbove(reserve: number): Hold | undefined {
    const { limit, window } = this
    if (limit === undefined || window === undefined) return undefined
    const count = Math.max(1, limit.count - reserve)
    if (window.spent + this.underWay < count) return undefined
    const message = `the limit of ${limit.count} connections in ${secondsOf(limit.perMs)} is used up`
    return { code: 'RATE_LIMITED', message, delayMs: window.msUntilOpen() || limit.perMs }
  }

  private async counted<T>(
    window: SlidingWindow,
    options: ClientOptions | undefined,
    connect: (options: ClientOptions) => Promise<T>,
  ): Promise<T> {
    let wasAccepted = false
    this.underWay++
    try {
      const connection = await connect(watched(options, () => (wasAccepted = true)))
      wasAccepted = true
      return connection
    } finally {
      this.underWay--
      if (wasAccepted) window.spend(1)
      else this.onFreed()
    }
  }
}

/** The options, with one that tells when the TCP connection is there. */
const watched = (options: ClientOptions = {}, onAccepted: () => void): ClientOptions => ({
  ...options,
  finishRequest(request, socket) {
    request.once('socket', (wire) => {
      if (wire.connecting) wire.once('connect', onAccepted)
      else onAccepted()
    })
    if (options.finishRequest === undefined) request.end()
    else options.finishRequest(request, socket)
  },
})
