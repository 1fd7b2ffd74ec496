import { MAX_TIMER_MS } from '../util/sleep'
import { monotonicMs } from '../util/clock'

type Timer = ReturnType<typeof setTimeout>

/** Credits that were spent within a short time, and come back together. */
interface Slot {
  credits: number
  /** When the last of them was spent, by the monotonic clock. Used for estimates only. */
  lastSpentAt: number
  timer: Timer
}

/** A slot collects credits for this part of the window's length, which limits the number of timers. */
const SLOTS_PER_WINDOW = 100

/**
 * A budget of `limit` credits in every span of `lengthMs`, whenever that begins (RL-2). A timer gives each credit back, no earlier than
 * `lengthMs` after it was spent. So neither a step of the wall clock nor a clock that stands still lets a request through or delays it.
 */
export class SlidingWindow {
  spent = 0
  private readonly slots = new Set<Slot>()
  private slot: Slot | undefined
  private closing: Timer | undefined
  private isKeptAlive = false

  /** @param onFreed - called when credits came back */
  constructor(
    readonly lengthMs: number,
    readonly limit: number,
    private readonly onFreed: () => void,
  ) {}

  /** A request may start while less than the limit is spent; with its own cost the sum may exceed the limit (contract 11). */
  get isOpen(): boolean {
    return this.spent < this.limit
  }

  spend(credits: number): void {
    this.spent += credits
    const lengthMs = Math.min(Math.ceil(this.lengthMs), MAX_TIMER_MS)
    const slot = this.slot ?? this.openSlot(lengthMs)
    clearTimeout(slot.timer)
    slot.credits += credits
    slot.lastSpentAt = monotonicMs()
    slot.timer = this.start(() => this.free(slot), lengthMs)
  }

  /** How long until enough credits have come back, in ms. */
  msUntilOpen(): number {
    let left = this.spent
    if (left < this.limit) return 0
    for (const { credits, lastSpentAt } of this.slots) {
      left -= credits
      if (left < this.limit) {
        const elapsedMs = monotonicMs() - lastSpentAt
        return Math.max(0, this.lengthMs - elapsedMs)
      }
    }
    return this.lengthMs
  }

  /** Whether the timers keep the process alive: only while somebody waits for them. */
  keepAlive(isKeptAlive: boolean): void {
    if (this.isKeptAlive === isKeptAlive) return
    this.isKeptAlive = isKeptAlive
    for (const { timer } of this.slots) hold(timer, isKeptAlive)
  }

  stop(): void {
    for (const { timer } of this.slots) clearTimeout(timer)
    this.slots.clear()
    this.closeSlot()
  }

  private openSlot(lengthMs: number): Slot {
    const slot: Slot = { credits: 0, lastSpentAt: 0, timer: undefined as unknown as Timer }
    this.slots.add(slot)
    const widthMs = Math.floor(lengthMs / SLOTS_PER_WINDOW)
    if (widthMs < 1) return slot
    this.slot = slot
    this.closing = setTimeout(() => this.closeSlot(), widthMs)
    hold(this.closing, false)
    return slot
  }

  private closeSlot(): void {
    clearTimeout(this.closing)
    this.slot = undefined
  }

  private free(slot: Slot): void {
    if (!this.slots.delete(slot)) return
    if (slot === this.slot) this.closeSlot()
    this.spent -= slot.credits
    // Adding and subtracting fractions leaves rounding errors.
    if (this.slots.size === 0) this.spent = 0
    this.onFreed()
  }

  private start(callback: () => void, ms: number): Timer {
    const timer = setTimeout(callback, ms)
    hold(timer, this.isKeptAlive)
    return timer
  }
}

/** Timers of fake clocks may be plain numbers, without these methods. */
const hold = (timer: Partial<Pick<Timer, 'ref' | 'unref'>> | undefined, isHeld: boolean): void => {
  if (isHeld) timer?.ref?.()
  else timer?.unref?.()
}
