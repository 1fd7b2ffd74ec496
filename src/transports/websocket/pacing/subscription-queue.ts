import { type Identify, type SubscriptionDeltas } from '../../../feeds/delta'
import { type MessagePacer } from './message-pacer'

/** So many feeds are subscribed or unsubscribed in one task. */
const SLICE = 500

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Parts<P, Context> {
  pacer: Pick<MessagePacer, 'isLimited' | 'room'>
  identityOf: Identify
  /** Whether there is a connection to send on. */
  isOpen: () => boolean
  /** How many feeds one message carries; Infinity where only the author's builder knows. It then gets all of them at once. */
  feedsPerMessage: number
  /** Builds the messages and sends them. */
  send: (context: Context, deltas: SubscriptionDeltas<P>) => Promise<void>
  /** Called when something could not be sent. The next {@link SubscriptionQueue.add} throws the error. */
  onFailure: () => void
}

/**
 * What is to be subscribed and unsubscribed on one connection and has not been sent yet (SB-7). It holds feeds and not messages: each is
 * there at most once, and a feed that is no longer wanted when its turn comes is never sent. Without a limit everything is sent at once.
 */
export class SubscriptionQueue<P, Context> {
  private readonly fresh = new Map<string, P>()
  private readonly stale = new Map<string, P>()
  private last: { context: Context; desired: P[] } | undefined
  private generation = 0
  private isSending = false
  private failure: { error: unknown } | undefined

  constructor(private readonly of: Parts<P, Context>) {}

  /** How many feeds wait for their turn. */
  get size(): number {
    return this.fresh.size + this.stale.size
  }

  /** Whether the subscribe message of a feed has not been sent yet. */
  isWaiting(params: P): boolean {
    return this.fresh.has(this.of.identityOf(params))
  }

  /**
   * Adds what has changed, and sends in the same turn what the limit allows.
   *
   * @throws what `send` threw, now or since the last call
   */
  async add(context: Context, deltas: SubscriptionDeltas<P>): Promise<void> {
    const { pacer, isOpen, send } = this.of
    if (!pacer.isLimited || !isOpen()) {
      this.clear()
      return this.sendInSlices(context, deltas)
    }
    this.last = { context, desired: deltas.desired }
    for (const params of deltas.stale) this.replace(this.stale, this.fresh, params)
    for (const params of deltas.new) this.replace(this.fresh, this.stale, params)
    const { failure } = this
    this.failure = undefined
    if (failure !== undefined) throw failure.error
    if (this.of.feedsPerMessage === Infinity && this.size === 0 && pacer.room > 0 && !this.isSending)
      return send(context, deltas)
    return this.sendWhatMay()
  }

  /** Subscribes feeds once more, because the provider did not answer or went silent. They wait for their turn like all others. */
  async again(params: readonly P[]): Promise<void> {
    for (const one of params) this.fresh.set(this.of.identityOf(one), one)
    return this.sendWhatMay()
  }

  /** Called when more may be sent. */
  proceed(): void {
    if (this.failure !== undefined || this.size === 0) return
    this.sendWhatMay().catch((error: unknown) => {
      this.failure = { error }
      this.of.onFailure()
    })
  }

  /** The connection has ended: nothing is sent any more of what waits. */
  clear(): void {
    this.generation++
    this.fresh.clear()
    this.stale.clear()
    this.failure = undefined
    this.last = undefined
  }

  /** RS-5: without a limit there may be ten thousand at once, and nothing else would be done while their messages are made. */
  private async sendInSlices(
    context: Context,
    { desired, stale, new: fresh }: SubscriptionDeltas<P>,
  ): Promise<void> {
    const { send, isOpen, feedsPerMessage } = this.of
    const count = stale.length + fresh.length
    if (count <= SLICE || feedsPerMessage === Infinity) return send(context, { desired, stale, new: fresh })
    const { generation } = this
    // One that ends meanwhile is replaced by one on which everything is subscribed.
    const goesOn = () => generation === this.generation && isOpen()
    for (let at = 0; at < count && goesOn(); at += SLICE) {
      if (at > 0) await nextTurn()
      const slice = {
        stale: stale.slice(at, at + SLICE),
        new: fresh.slice(Math.max(0, at - stale.length), Math.max(0, at + SLICE - stale.length)),
      }
      if (goesOn()) await send(context, { desired, ...slice })
    }
  }

  /** What waits for the opposite is only taken back: the provider has not been told of it. */
  private replace(waiting: Map<string, P>, opposite: Map<string, P>, params: P): void {
    const identity = this.of.identityOf(params)
    if (!opposite.delete(identity)) waiting.set(identity, params)
  }

  private async sendWhatMay(): Promise<void> {
    const { pacer, send, isOpen } = this.of
    if (this.isSending) return
    this.isSending = true
    try {
      while (this.last !== undefined && this.size > 0 && pacer.room > 0 && isOpen()) {
        const { generation, last } = this
        const taken = this.take(pacer.room)
        try {
          await send(last.context, { desired: last.desired, ...taken })
        } catch (error) {
          if (generation === this.generation) this.putBack(taken)
          throw error
        }
      }
    } finally {
      this.isSending = false
    }
  }

  /** Unsubscribes first, as in every pass (contract 17.2). */
  private take(messages: number): Omit<SubscriptionDeltas<P>, 'desired'> {
    const { feedsPerMessage } = this.of
    if (feedsPerMessage === Infinity) return { stale: takeFrom(this.stale), new: takeFrom(this.fresh) }
    const stale = takeFrom(this.stale, messages * feedsPerMessage)
    const left = messages - Math.ceil(stale.length / feedsPerMessage)
    return { stale, new: takeFrom(this.fresh, left * feedsPerMessage) }
  }

  private putBack(taken: Omit<SubscriptionDeltas<P>, 'desired'>): void {
    for (const params of taken.stale) this.replace(this.stale, this.fresh, params)
    for (const params of taken.new) this.replace(this.fresh, this.stale, params)
  }
}

const takeFrom = <P>(waiting: Map<string, P>, count = Infinity): P[] => {
  const taken: P[] = []
  for (const [identity, params] of waiting) {
    if (taken.length >= count) break
    taken.push(params)
    waiting.delete(identity)
  }
  return taken
}
