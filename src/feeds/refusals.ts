import { metrics } from '../metrics/registry'
import { LogLimiter } from '../util/log-limiter'
import { belongsTo, named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { beginningOf } from '../util/redaction'
import { type GuardReason } from './guards'

const logger = makeLogger('Refusals')

/** Why a provider's value was not served. A fixed list, because it is a metric label. Transports of protocols have further lists. */
export type RefusalReason =
  | GuardReason
  | 'not-json'
  | 'too-large'
  | 'handler-failed'
  | 'invalid-result'
  | 'unknown-feed'
  | 'builder-failed'
  | 'given-up'

/** OB-1: so many reasons are counted each by itself. There are fewer, unless somebody makes them up. */
const MAX_REASONS = 100

/** Of a record, and of the text of an error, which may hold all of a record. */
const MAX_LOGGED_BYTES = 512

/** Of a stack: an error of an author may have any text there. */
const MAX_STACK_BYTES = 2_048

/**
 * Counts what one transport refused, by reason, and logs the first one of each reason once per minute. At debug level, because the
 * contract allows nothing at info and above for single messages.
 */
export class Refusals {
  private readonly counts = new Map<string, number>()
  private readonly limiter = new LogLimiter()
  private readonly unpublish: () => void
  private readonly says: string

  /** @param metric - what is counted: values that were refused, or values that were served although a guard was against it */
  constructor(
    adapterName: string,
    endpointName: string,
    transportName: string,
    metric: 'dataRefused' | 'dataReported' = 'dataRefused',
  ) {
    this.says = metric === 'dataRefused' ? 'Refused what the provider sent' : 'Served what a guard is against'
    belongsTo(this, { adapter: adapterName, endpoint: endpointName })
    const labels = { app_name: adapterName, adapter_endpoint: endpointName, transport: transportName }
    this.unpublish = metrics.publish(metric, (counter) => {
      for (const [reason, count] of this.counts) counter.inc({ ...labels, reason }, count)
    })
  }

  /** @param detail - what is shown in the log; called only when a line is logged */
  add(reason: RefusalReason | (string & {}), detail: () => unknown, err?: unknown): void {
    const counted = this.counts.has(reason) || this.counts.size < MAX_REASONS ? reason : 'other'
    this.counts.set(counted, (this.counts.get(counted) ?? 0) + 1)
    this.limiter.run(reason, (repeated) => {
      named(logger, this).debug(
        { reason, repeated, detail: shorten(detail()), err: shortError(err) },
        this.says,
      )
    })
  }

  count(reason: RefusalReason | (string & {})): number {
    return this.counts.get(reason) ?? 0
  }

  /** How often, by reason. */
  get all(): Record<string, number> {
    return Object.fromEntries(this.counts)
  }

  stop(): void {
    this.unpublish()
  }
}

/** The refusals of each transport of an endpoint, made when they are first asked for. */
export class RefusalsByTransport {
  private readonly known = new Map<string, Refusals>()

  constructor(
    private readonly owner: { readonly adapterName: string; readonly endpointName: string },
    private readonly metric: 'dataRefused' | 'dataReported',
  ) {}

  of(transportName: string): Refusals {
    let refusals = this.known.get(transportName)
    if (refusals === undefined) {
      const { adapterName, endpointName } = this.owner
      refusals = new Refusals(adapterName, endpointName, transportName, this.metric)
      this.known.set(transportName, refusals)
    }
    return refusals
  }

  stop(): void {
    for (const refusals of this.known.values()) refusals.stop()
  }
}

const cut = (whole: string, maxBytes: number): string => {
  // A character is a byte at least, so that one more than fit is enough to be cut.
  const text = beginningOf(whole, maxBytes + 1, '')
  if (Buffer.byteLength(text) <= maxBytes) return text
  const start = Buffer.from(text).toString('utf8', 0, maxBytes)
  // What is left of a character that was cut in two.
  return `${start.replace(/\uFFFD$/, '')}…`
}

const shorten = (detail: unknown): string => cut(textOf(detail), MAX_LOGGED_BYTES)

const textOf = (detail: unknown): string =>
  typeof detail === 'string' ? detail : (JSON.stringify(detail) ?? String(detail))

/** As the logger writes errors, without further members. */
const shortError = (error: unknown): { type: string; message: string; stack?: string } | undefined => {
  if (error === undefined) return undefined
  const type = error instanceof Error ? error.name : typeof error
  const message = shorten(messageOf(error))
  const frames = error instanceof Error ? error.stack?.match(/^ {4}at .*$/gm)?.join('\n') : undefined
  return { type, message, ...(frames !== undefined && { stack: cut(frames, MAX_STACK_BYTES) }) }
}
