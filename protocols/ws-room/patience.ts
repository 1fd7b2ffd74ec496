import { type Backoff, exponentialBackoff } from '../../src/util/backoff'
import { type SessionEnd } from '../../src/connections/link-keeper'
import { USEFUL_LIFE_MS } from '../../src/connections/reconnection'
import { RoomError, type RoomTrouble } from './room-error'

export interface PatienceSettings {
  /** Of the first pause after an ordinary end, in ms. */
  minMs: number
  /** Of the longest one, in ms. */
  maxMs: number
  factor: number
}

const MINUTE_MS = 60_000

/** Strangers come and go: a full room is asked again soon, but not in a hurry. With jitter from 30 s to 10 minutes. */
const FULL_ROOM = { minMs: MINUTE_MS, maxMs: 10 * MINUTE_MS, factor: 2 }
/** Whoever took our place would be put out by our return, and come back in turn. */
const REPLACED_MS = 5 * MINUTE_MS
/** A server that asks for a wrong signature, or a document that names no room, does not change in seconds. */
const STUBBORN_MS = 10 * MINUTE_MS

const STUBBORN: ReadonlySet<RoomTrouble> = new Set(['bad-challenge', 'connection-string'])

/** How long to stay away from a room after each end (CN-5): by its cause, with jitter, longer each time in vain. */
export class Patience {
  private ordinary: Backoff | undefined
  private full: Backoff | undefined

  constructor(private readonly settings: PatienceSettings) {}

  /** @returns in ms; undefined when coming back is of no use before a restart with other settings */
  after(end: SessionEnd): number | undefined {
    const error = end.kind === 'failed' ? end.error : end.close.cause
    const trouble = error instanceof RoomError ? error.trouble : undefined
    if (trouble === 'key-expired') return undefined
    if (trouble === 'replaced') return REPLACED_MS * (1 + 0.5 * Math.random())
    if (trouble === 'room-full') return this.draw('full', FULL_ROOM)
    this.full = undefined
    if (trouble !== undefined && STUBBORN.has(trouble)) return STUBBORN_MS * (0.75 + 0.5 * Math.random())
    if (end.kind === 'lost' && end.openForMs >= USEFUL_LIFE_MS) this.ordinary = undefined
    return this.draw('ordinary', this.settings)
  }

  private draw(of: 'ordinary' | 'full', settings: PatienceSettings): number {
    const { delayMs, next } = (this[of] ?? exponentialBackoff(settings)).next()
    this[of] = next
    return delayMs
  }
}
