import { type Backoff, exponentialBackoff, longerBy } from '../util/backoff'
import { monotonicMs, secondsOf } from '../util/clock'
import { Gate } from '../util/gate'
import { pauseFor } from '../util/retry-after'
import { connectionError } from './connection-error'
import { type Hold } from './connection-life'
import { type HandshakeRefusal, refusalOf } from './handshake-refusal'
import { type ReasonClass } from '../validation/reason'
import { overflowed } from '../metrics/bounds'

/** The most hosts that are remembered. Beyond this the one that refused first is forgotten. */
const MAX_HOSTS = 100

/** Many adapters may have been refused at the same moment. */
const UP_TO_A_QUARTER_LONGER = longerBy((delayMs) => delayMs / 4)

const growing = (minMs: number, maxMs: number): Backoff =>
  exponentialBackoff({ minMs, maxMs, factor: 2, jitter: UP_TO_A_QUARTER_LONGER })

/**
 * Pauses for those who do not say how long to wait. A limit is over after a while; a missing right is given by people; and what is not found
 * may be there after a deployment. A failure of the server itself (5xx) has none: the back-off of the stream is enough.
 */
const CLASSES = {
  limited: growing(30_000, 600_000),
  unauthorized: growing(60_000, 1_200_000),
  wrong: growing(30_000, 600_000),
}
type RefusalClass = keyof typeof CLASSES

/** What clients are told of it. */
const KINDS: Partial<Record<RefusalClass, ReasonClass>> = { limited: 'quota', unauthorized: 'auth' }

const classOf = (status: number): RefusalClass | undefined => {
  if (status < 400 || status > 499) return undefined
  if (status === 429) return 'limited'
  return status === 401 || status === 403 ? 'unauthorized' : 'wrong'
}

interface Pause {
  readonly gate: Gate
  endsAtMs: number
  message: string
  /** Whether an attempt is under way that finds out whether the pause may end. */
  isProbed: boolean
  kind: RefusalClass | undefined
  next: Backoff | undefined
}

/**
 * The pauses after refused handshakes, by host (RL-1): as long as `Retry-After` says, else by the class of the status, and longer each time.
 * No attempt is made meanwhile. A connection that is accepted ends this.
 */
export class HostPauses {
  private readonly pauses = new Map<string, Pause>()

  /** @param onDue - called when a pause is over */
  constructor(private readonly onDue: () => void) {}

  /** Why no attempt may be made at this URL now; undefined when one may. */
  hold(url: string): (Hold & { error: Error }) | undefined {
    const pause = this.pauses.get(hostOf(url))
    if (pause === undefined || !(pause.gate.isClosed || pause.isProbed)) return undefined
    const { message, endsAtMs } = pause
    const delayMs = Math.max(0, endsAtMs - monotonicMs())
    const error = connectionError('HANDSHAKE_REFUSED', message)
    const kind = pause.kind && KINDS[pause.kind]
    return { code: 'HANDSHAKE_REFUSED', message, delayMs, error, ...(kind && { class: kind }) }
  }

  /** Makes an attempt, and learns from how it ends. After a pause no other is made at its host meanwhile. */
  async attempt<T>(url: string, connect: () => Promise<T>): Promise<T> {
    const pause = this.pauses.get(hostOf(url))
    if (pause !== undefined) pause.isProbed = true
    try {
      const connection = await connect()
      this.end(url)
      return connection
    } catch (error) {
      if (pause !== undefined) pause.isProbed = false
      const refusal = refusalOf(error)
      if (refusal !== undefined) this.refused(url, refusal)
      throw error
    }
  }

  /** What the provider refused has changed, such as a credential: the pause of the host is over. */
  end(url: string): void {
    const host = hostOf(url)
    this.pauses.get(host)?.gate.stop()
    this.pauses.delete(host)
  }

  stop(): void {
    for (const { gate } of this.pauses.values()) gate.stop()
  }

  private refused(url: string, { status, retryAfterMs }: HandshakeRefusal): void {
    const kind = classOf(status)
    const isAsked = retryAfterMs !== undefined && status >= 400
    if (!isAsked && kind === undefined) return
    const pause = this.pauseOf(hostOf(url))
    if (pause.kind !== kind) pause.next = kind && CLASSES[kind]
    pause.kind = kind
    const step = pause.next?.next()
    pause.next = step?.next
    const delayMs = isAsked ? pauseFor(retryAfterMs) : (step?.delayMs ?? 0)
    const pauseOfS = `a pause of ${secondsOf(delayMs)}`
    pause.message = isAsked
      ? `the provider asked for ${pauseOfS} (status ${status})`
      : `${pauseOfS} follows status ${status}`
    pause.endsAtMs = monotonicMs() + delayMs
    pause.gate.close(delayMs, this.onDue)
  }

  private pauseOf(host: string): Pause {
    const known = this.pauses.get(host)
    if (known !== undefined) return known
    const pause: Pause = {
      gate: new Gate(),
      endsAtMs: 0,
      message: '',
      isProbed: false,
      kind: undefined,
      next: undefined,
    }
    this.pauses.set(host, pause)
    if (this.pauses.size > MAX_HOSTS) this.forgetOldest()
    return pause
  }

  private forgetOldest(): void {
    for (const [host, { gate }] of this.pauses) {
      gate.stop()
      this.pauses.delete(host)
      return overflowed('provider_hosts')
    }
  }
}

const hostOf = (url: string): string => {
  try {
    return new URL(url).host
  } catch {
    return url
  }
}
