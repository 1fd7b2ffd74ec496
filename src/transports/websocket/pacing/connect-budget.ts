import { type SocketOptions } from '../../../connections/new-socket'
import { type Hold } from '../../../connections/connection-life'
import { HostPauses } from '../../../connections/host-pauses'
import { type SlidingWindow } from '../../../outbound-http/sliding-window'
import { secondsOf } from '../../../util/clock'
import { type RollingLimit, windowOf } from './limits'

/**
 * When a transport may open another connection, all its sockets together: within the declared limit of a rolling interval, and not while a
 * host that refused one has a pause ({@link HostPauses}). Whoever decides to open one claims it in the same moment, because others decide
 * before it is opened; a claim that the provider has not noticed is given back.
 */
export class ConnectBudget {
  private readonly window: SlidingWindow | undefined
  private readonly pauses: HostPauses
  private claims = 0

  /**
   * @param onFreed - called when the limit allows one more
   * @param onPauseOver - called when the pause of a host is over
   */
  constructor(
    private readonly limit: RollingLimit | undefined,
    private readonly onFreed: () => void,
    onPauseOver: () => void,
  ) {
    this.window = limit && windowOf(limit, onFreed)
    this.pauses = new HostPauses(onPauseOver)
  }

  /** Why no connection may be opened now, wherever; undefined when one may. */
  get hold(): Hold | undefined {
    return this.holdAbove(0)
  }

  /** Why no connection may be opened at this URL now; undefined when one may. An error says that another URL may be tried. */
  holdAt(url: string): (Hold & { error?: Error }) | undefined {
    return this.hold ?? this.pauses.hold(url)
  }

  /** Whether the host of this URL has a pause. */
  isPausedAt(url: string): boolean {
    return this.pauses.hold(url) !== undefined
  }

  /**
   * The same for a connection beside the main one, for which one attempt of the limit is left.
   *
   * @param isSparing - whether half of the limit is left to others as well
   */
  holdAside(url: string, isSparing = false): Hold | undefined {
    const half = isSparing ? Math.floor((this.limit?.count ?? 0) / 2) : 0
    return this.holdAbove(Math.max(1, half)) ?? this.pauses.hold(url)
  }

  /** Counts a connection that is going to be opened. @returns to be called when it is open, or will not be */
  claim(): () => void {
    this.claims++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.claims--
      if (this.window !== undefined) this.onFreed()
    }
  }

  /** The same for a connection beside the main one; undefined where there may be none now. */
  claimAside(url: string, isSparing = false): (() => void) | undefined {
    return this.holdAside(url, isSparing) === undefined ? this.claim() : undefined
  }

  /** What the provider refused has changed, such as a credential: the next attempt may be made at once. */
  forgive(url: string): void {
    this.pauses.end(url)
  }

  /**
   * Counts an attempt to open a connection, and learns from how it ends.
   *
   * @param connect - gets the options to connect with, by which it is noticed whether the provider accepts
   */
  attempt<T>(
    url: string,
    options: SocketOptions | undefined,
    connect: (options: SocketOptions | undefined) => Promise<T>,
  ): Promise<T> {
    const { window } = this
    return this.pauses.attempt(url, () =>
      window === undefined ? connect(options) : this.counted(window, options, connect),
    )
  }

  stop(): void {
    this.window?.stop()
    this.pauses.stop()
  }

  private holdAbove(reserve: number): Hold | undefined {
    const { limit, window } = this
    if (limit === undefined || window === undefined) return undefined
    const count = Math.max(1, limit.count - reserve)
    if (window.spent + this.claims < count) return undefined
    const message = `the limit of ${limit.count} connections in ${secondsOf(limit.perMs)} is used up`
    const wanted = 1 + this.claims + limit.count - count
    return { code: 'RATE_LIMITED', message, delayMs: window.msUntilRoomFor(wanted) || limit.perMs }
  }

  private async counted<T>(
    window: SlidingWindow,
    options: SocketOptions | undefined,
    connect: (options: SocketOptions) => Promise<T>,
  ): Promise<T> {
    let wasAccepted = false
    try {
      const connection = await connect(watched(options, () => (wasAccepted = true)))
      wasAccepted = true
      return connection
    } finally {
      if (wasAccepted) window.spend(1)
    }
  }
}

/** The options, with one that tells when the TCP connection is there. */
const watched = (options: SocketOptions = {}, onAccepted: () => void): SocketOptions => ({
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
