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

/** What adding and subtracting fractions may be off by. */
const ROUNDING = 1e-9

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
  private isStopped = false

  /** @param onFreed - called when credits came back */
  constructor(
    readonly lengthMs: number,
    readonly limit: number,
    private readonly onFreed: () => void,
  ) {}

  /** A request fits when the sum stays within the limit. One that costs more than the whole limit goes alone: it would wait for ever. */
  hasRoomFor(credits: number): boolean {
    return this.spent === 0 || this.spent + credits <= this.limit + ROUNDING
  }

  spend(credits: number): void {
    this.spent += credits
    const lengthMs = Math.ceil(this.lengthMs)
    const slot = this.slot ?? this.openSlot(lengthMs)
    clearTimeout(slot.timer)
    slot.credits += credits
    slot.lastSpentAt = monotonicMs()
    this.freeAfter(slot, lengthMs)
  }

  /**
   * Credits that count as spent, and come back in `forMs`: they were spent before the process started, or may have been. Where there are
   * several, those that come back first come first, and before what is spent.
   *
   * @returns gives them back at once
   */
  occupy(credits: number, forMs: number): () => void {
    const lastSpentAt = monotonicMs() + forMs - this.lengthMs
    const slot: Slot = { credits, lastSpentAt, timer: undefined as unknown as Timer }
    this.spent += credits
    this.slots.add(slot)
    this.freeAfter(slot, Math.ceil(forMs))
    return () => this.free(slot)
  }

  /**
   * Credits that were just spent, but on a request that has not reached the provider yet: they do not come back before `release` is called,
   * and then as if they had been spent at that moment. Those that were spent first are taken for them, so that none comes back too early.
   */
  hold(credits: number): { release: () => void } {
    let left = credits
    for (const slot of this.slots) {
      if (left <= 0) break
      const taken = Math.min(left, slot.credits)
      left -= taken
      slot.credits -= taken
      if (slot.credits <= 0) this.remove(slot)
    }
    const held = credits - Math.max(0, left)
    return {
      release: () => {
        if (this.isStopped) return
        this.spent -= held
        this.spend(held)
      },
    }
  }

  /** How long until so many credits may be spent, in ms. */
  msUntilRoomFor(wanted: number): number {
    let left = this.spent
    if (this.hasRoomFor(wanted)) return 0
    for (const { credits, lastSpentAt } of this.slots) {
      left -= credits
      if (left < ROUNDING || left + wanted <= this.limit + ROUNDING) {
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
    this.isStopped = true
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
    if (!this.slots.has(slot)) return
    this.remove(slot)
    this.spent -= slot.credits
    if (this.spent < ROUNDING) this.spent = 0
    this.onFreed()
  }

  private remove(slot: Slot): void {
    clearTimeout(slot.timer)
    this.slots.delete(slot)
    if (slot === this.slot) this.closeSlot()
  }

  /** In pieces, because one timer can hold 24 days at most. */
  private freeAfter(slot: Slot, ms: number): void {
    const piece = Math.min(ms, MAX_TIMER_MS)
    slot.timer = setTimeout(() => (ms > piece ? this.freeAfter(slot, ms - piece) : this.free(slot)), piece)
    hold(slot.timer, this.isKeptAlive)
  }
}

/** Timers of fake clocks may be plain numbers, without these methods. */
const hold = (timer: Partial<Pick<Timer, 'ref' | 'unref'>> | undefined, isHeld: boolean): void => {
  if (isHeld) timer?.ref?.()
  else timer?.unref?.()
}
