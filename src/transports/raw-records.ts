import { monotonicMs } from '../util/clock'
import { beginningOf } from '../util/redaction'

/** So long after somebody has asked the messages of a feed are kept: the last one of each. */
const KEPT_MS = 600_000
/** Of so many feeds at a time; the one that was asked for first gives way. */
const MAX_FEEDS = 20
/** What is looked at of one message, and what is shown of it, in characters. */
const MAX_READ = 65_536
const MAX_SHOWN = 4_096

/** Members whose values are secrets by their names, whether or not we know them. */
const SECRET_MEMBER =
  /("[^"]{0,40}(?:passw|passphrase|secret|api[-_]?key|authorization|signature|credential|session|(?:access|auth|refresh|bearer)[-_]?token)[^"]{0,40}"\s{0,4}:\s{0,4})"(?:[^"\\]|\\.){0,4096}"?/gi

/** What a provider has sent for a feed, without secrets. */
export interface RawRecord {
  text: string
  /** Whether it was longer. */
  isCut: boolean
  receivedUnixMs: number
}

interface Asked {
  untilMs: number
  raw: unknown
  receivedUnixMs: number | undefined
}

/**
 * What providers send, as it came, for feeds that somebody has asked to explain; for no others. While nobody has, a message costs the look
 * at {@link RawRecords.isOn}.
 */
export class RawRecords {
  isOn = false
  private readonly asked = new Map<string, Asked>()

  /** From now on keeps the newest message for this feed. @returns the one that has been kept since an earlier call */
  ask(key: string): RawRecord | undefined {
    this.forget()
    const known = this.asked.get(key)
    const untilMs = monotonicMs() + KEPT_MS
    this.asked.delete(key)
    this.asked.set(
      key,
      known === undefined ? { untilMs, raw: undefined, receivedUnixMs: undefined } : { ...known, untilMs },
    )
    if (this.asked.size > MAX_FEEDS) this.asked.delete(this.asked.keys().next().value!)
    this.isOn = true
    return known && recordOf(known)
  }

  note(keys: readonly string[], raw: unknown): void {
    this.forget()
    for (const key of keys) {
      const asked = this.asked.get(key)
      if (asked === undefined) continue
      asked.raw = raw
      asked.receivedUnixMs = Date.now()
    }
  }

  private forget(): void {
    const now = monotonicMs()
    for (const [key, { untilMs }] of this.asked) if (untilMs <= now) this.asked.delete(key)
    this.isOn = this.asked.size > 0
  }
}

const recordOf = ({ raw, receivedUnixMs }: Asked): RawRecord | undefined => {
  if (receivedUnixMs === undefined) return undefined
  const whole = textOf(raw)
  const safe = beginningOf(whole, MAX_READ, '').replace(SECRET_MEMBER, '$1"[REDACTED]"')
  return {
    text: safe.slice(0, MAX_SHOWN),
    isCut: whole.length > MAX_READ || safe.length > MAX_SHOWN,
    receivedUnixMs,
  }
}

const textOf = (raw: unknown): string => {
  if (typeof raw === 'string') return raw
  if (Buffer.isBuffer(raw)) return raw.toString('utf8', 0, 4 * MAX_READ)
  if (raw instanceof ArrayBuffer) return Buffer.from(raw).toString('utf8', 0, 4 * MAX_READ)
  try {
    return JSON.stringify(raw) ?? String(raw)
  } catch {
    return 'a record that cannot be shown'
  }
}
