import { reckonedOn, type Reckoning, type Reckonings } from './reckonings'

/** The wall clock is followed where it gains or loses no more than this part of the time: so far a clock is slewed that is put right. */
const SLEW = 0.1
/** When it stands so far from where it could be by that, it has been set, or it does not run. */
export const STEP_MS = 1_000
/** How near to what a clock shows a provider's time has to be to speak for that clock. */
const AGREEMENT_MS = 5_000
/** A source that has voted votes otherwise after so many ticks in a row that say so. */
const CHANGE_OF_MIND = 3
/** What was sent before a machine fell asleep is read within this time after it wakes, and says next to nothing against the sleep. */
const HELD_UP_MS = 1_000
/** Once ticks have spoken for the wall clock this long, the time from before the step is no candidate any more. */
const FORGET_MS = 600_000

/**
 * Which is right after a step: what the wall clock shows now, or one of the times from before counted on. Those are the one that was trusted
 * last and, where the wall clock has been moved more than once, what it showed between, and each with the sleeps that there may have been.
 */
type Candidate = 'wall' | Reckoning

/** A step of the wall clock that still matters. */
export interface ClockStep {
  /** How far the wall clock was moved, in ms; negative where it was set back. */
  movedMs: number
  /** How far it stands from the time that counted before now, in ms: less than a second when it has been set right again. */
  byMs: number
  /** When the step was noticed: what the wall clock showed then. */
  seenUnixMs: number
  /** What the ticks of healthy connections agree with; undefined as long as none has said. */
  agreed: 'wall' | 'kept' | undefined
}

/** So much the wall clock went ahead of the monotonic one at the beginning of an era: the machine may have slept. */
interface Slip {
  era: number
  ms: number
}

const MAX_SLIPS = 100

/** One source of ticks, as far as it can tell which clock is right. */
export class Witness {
  /** Whether its ticks have carried the current time before: it is connected, and its own clock is right. */
  isProven = false
  vote: Candidate | undefined
  /** Whether that was of a tick that may have been on its way while the machine slept: whatever contradicts it counts for more. */
  isEarly = false
  /** How many ticks in a row have spoken for the other candidate. */
  doubts = 0
  /** When it was last heard, by the monotonic clock. */
  heardMs = -Infinity
}

/**
 * *Our time* (TM-3): what the times of providers are judged by. It is the wall clock's until that makes a step. Then there are two
 * candidates, the wall clock and the time from before counted on by the monotonic clock, and more after further steps and sleeps. Ticks
 * decide: each source has one vote, that of its first tick which is near one of them, or of the last three if they contradict it. Sources
 * that have told the current time before outvote the others, so that a provider whose clock is wrong has no say. Until one has voted, the
 * latest candidate counts, so that no value seems younger than it is.
 */
export class OurTime {
  /** Steps since the start. */
  steps = 0
  /** Changes whenever our time goes back: what was accepted under another number may lie ahead of it, and is to be looked at again. */
  era = 0
  /**
   * Whether whatever the wall clock shows is the time: where a test has taken its place, which freezes it or sets it to another year
   * (contract 16.1). A test of steps says no.
   */
  trustsWall: boolean | undefined
  private wallOffsetMs: number
  private lookedMs: number
  /** While there is a step: first the time that was trusted last. */
  private reckonings: Reckonings | undefined
  /** Of the latest of them. */
  private latestOffsetMs = -Infinity
  private counts: Candidate | undefined
  private step: ClockStep | undefined
  private agreedAtMs = 0
  /** When the last step was noticed, by the monotonic clock. */
  private steppedAtMs = -Infinity
  private slips: Slip[] = []
  /** What may be right where the last step was no sleep, but the wall clock set ahead. */
  private withoutSleep: ReadonlySet<Candidate> = new Set()
  private wasWall = false
  /** The era in which the step began that is not settled. */
  private unsettledEra = 0
  private readonly voters = new Set<Witness>()

  /** @param onStep - called once for each step, in the tick in which it is noticed */
  constructor(
    private readonly clocks: { wall: () => number; monotonic: () => number; isFake?: () => boolean },
    private readonly onStep: (step: ClockStep) => void = () => {},
  ) {
    this.lookedMs = clocks.monotonic()
    this.wallOffsetMs = clocks.wall() - this.lookedMs
  }

  /**
   * In Unix ms. Looking is what notices a step.
   *
   * @param monotonic - what the monotonic clock shows now, where it has just been read; `wall` likewise
   */
  now(monotonic = this.clocks.monotonic(), wall = this.clocks.wall()): number {
    const { isWall } = this
    // A test that gives the wall clock back has not set it.
    if (isWall || this.wasWall) this.restart(wall - monotonic)
    else this.look(wall, monotonic)
    this.wasWall = isWall
    return this.reckonings === undefined ? wall : this.judged(wall, monotonic)
  }

  /** Looks closer where the clocks show that something has happened. @returns the era */
  glance(wall: number, monotonic: number): number {
    if (Math.abs(wall - monotonic - this.wallOffsetMs) >= STEP_MS) this.now(monotonic, wall)
    return this.era
  }

  /** How long the machine has slept since an era, at the most: by how much the wall clock went ahead, where it was not set back to where it was. */
  sleptMs(sinceEra: number): number {
    let sum = 0
    for (const { era, ms } of this.slips) if (era > sinceEra) sum += ms
    return sum
  }

  /** Whether whatever the wall clock shows is the time now. */
  get isWall(): boolean {
    return this.trustsWall ?? this.clocks.isFake?.() ?? false
  }

  /** The last step, as long as the wall clock and the time from before differ, or the latter may still be right. */
  get lastStep(): ClockStep | undefined {
    this.now()
    return this.step
  }

  /**
   * Tells of a tick that has just come in from the provider.
   *
   * @returns our time, after the tick has had its say
   */
  heard(witness: Witness, indicatedUnixMs: number, monotonic = this.clocks.monotonic()): number {
    const now = this.now(monotonic)
    witness.heardMs = monotonic
    if (this.step === undefined && witness.isProven) return now
    this.weigh(witness, indicatedUnixMs, now, monotonic)
    return this.step === undefined ? now : this.now(monotonic)
  }

  private weigh(witness: Witness, indicatedUnixMs: number, now: number, monotonic: number): void {
    const { reckonings, step } = this
    if (reckonings === undefined || step === undefined) {
      if (!witness.isProven) witness.isProven = Math.abs(indicatedUnixMs - now) <= AGREEMENT_MS
      return
    }
    const vote = nearest(indicatedUnixMs, this.clocks.wall(), reckonings, monotonic)
    if (vote !== undefined && vote === this.counts && vote === reckonings[0]) this.denySleep(monotonic)
    if (vote === undefined) return
    const isEarly = this.mayBeFromBefore(vote, monotonic)
    if (!this.isNews(witness, vote, isEarly)) return
    witness.vote = vote
    witness.isEarly = isEarly
    witness.doubts = 0
    this.voters.add(witness)
    this.decide(step, reckonings)
  }

  /** Whether a tick may have been sent before the machine fell asleep, and been read since. */
  private mayBeFromBefore(vote: Candidate, monotonic: number): boolean {
    return this.withoutSleep.has(vote) && monotonic - this.steppedAtMs < HELD_UP_MS
  }

  /** Whether a source votes for the first time, or has changed its mind: one odd tick is not enough for that. */
  private isNews(witness: Witness, vote: Candidate, isEarly: boolean): boolean {
    if (!this.voters.has(witness) || (witness.isEarly && !isEarly)) return true
    witness.doubts = witness.vote === vote ? 0 : witness.doubts + 1
    return witness.doubts >= CHANGE_OF_MIND
  }

  /** Begins anew, with the wall clock as it is. */
  restart(wallOffsetMs = this.clocks.wall() - this.clocks.monotonic()): void {
    this.wallOffsetMs = wallOffsetMs
    this.lookedMs = this.clocks.monotonic()
    this.slips = []
    this.settle()
  }

  private judged(wall: number, monotonic: number): number {
    const { counts } = this
    if (counts === undefined) return Math.max(wall, monotonic + this.latestOffsetMs)
    if (counts === 'wall') return wall
    return monotonic + counts.offsetMs
  }

  private look(wall: number, monotonic: number): void {
    const before = this.wallOffsetMs
    const movedMs = wall - monotonic - before
    const slewMs = SLEW * (monotonic - this.lookedMs)
    this.lookedMs = monotonic
    if (Math.abs(movedMs) >= STEP_MS) {
      this.wallOffsetMs = wall - monotonic
      return this.stepped(wall, before, movedMs)
    }
    this.wallOffsetMs = before + Math.max(-slewMs, Math.min(slewMs, movedMs))
    if (this.counts === 'wall' && monotonic - this.agreedAtMs > FORGET_MS) this.settle()
  }

  /** The wall clock, which stood at `before`, has been moved: what counted until now, or may have, is kept beside it. */
  private stepped(wall: number, before: number, movedMs: number): void {
    this.steps++
    this.era++
    this.steppedAtMs = this.lookedMs
    const { counts, reckonings } = this
    if (reckonings === undefined || counts !== undefined) this.unsettledEra = this.era
    if (movedMs > 0) this.slipped(movedMs)
    const shown = { offsetMs: before }
    this.withoutSleep = new Set(movedMs > 0 ? [...(reckonings ?? []), shown] : [])
    const [kept, ...others] = this.reckonedAt(shown, movedMs)
    // Where one of them is where the wall clock stands now, that speaks for both.
    const isBack = ({ offsetMs }: Reckoning): boolean => Math.abs(this.wallOffsetMs - offsetMs) < STEP_MS
    this.reckonings = [kept, ...others.filter((one) => !isBack(one))]
    this.latestOffsetMs = Math.max(...this.reckonings.map(({ offsetMs }) => offsetMs))
    this.voters.clear()
    this.step = { movedMs, byMs: this.wallOffsetMs - kept.offsetMs, seenUnixMs: wall, agreed: undefined }
    this.counts = undefined
    this.onStep(this.step)
    if (!isBack(kept)) return
    // It has been set back to where it was.
    this.neverSlept()
    this.settle()
  }

  /** What may be right beside the wall clock, once it has been moved. */
  private reckonedAt(wall: Reckoning, movedMs: number): Reckonings {
    const { counts, reckonings } = this
    // With a sleep it is what the wall clock shows now.
    if (reckonings === undefined || counts === 'wall') return [wall]
    return counts === undefined ? reckonedOn(reckonings, movedMs, wall) : reckonedOn([counts], movedMs)
  }

  private slipped(ms: number): void {
    this.slips.push({ era: this.era, ms })
    if (this.slips.length <= MAX_SLIPS) return
    const [first, second, ...rest] = this.slips as [Slip, Slip, ...Slip[]]
    this.slips = [{ era: second.era, ms: first.ms + second.ms }, ...rest]
  }

  /** A tick has spoken for the time from before. What was on its way while the machine slept does so, too. */
  private denySleep(monotonic: number): void {
    if (monotonic - this.steppedAtMs >= HELD_UP_MS) this.neverSlept()
  }

  /** The time from before is right: what went ahead since was the wall clock alone. */
  private neverSlept(): void {
    this.slips = this.slips.filter(({ era }) => era < this.unsettledEra)
  }

  private settle(): void {
    this.reckonings = undefined
    this.counts = undefined
    this.step = undefined
  }

  private decide(step: ClockStep, [kept]: Reckonings): void {
    const jury = best(
      best([...this.voters], ({ isProven }) => isProven),
      ({ isEarly }) => !isEarly,
    )
    const votes = new Map<Candidate, number>()
    for (const { vote } of jury) if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
    const [first, second] = [...votes].sort(([, a], [, b]) => b - a)
    if (first === undefined || first[1] === second?.[1] || first[0] === this.counts) return
    const [found] = first
    this.counts = found
    if (found === kept) this.denySleep(this.clocks.monotonic())
    step.agreed = found === 'wall' ? 'wall' : 'kept'
    step.byMs = this.wallOffsetMs - (found === 'wall' ? kept : found).offsetMs
    this.agreedAtMs = this.clocks.monotonic()
    this.era++
  }
}

/** Those of which something is so, or all where there are none. */
const best = (witnesses: Witness[], isSo: (witness: Witness) => boolean): Witness[] => {
  const found = witnesses.filter(isSo)
  return found.length > 0 ? found : witnesses
}

/** At equal distances the wall clock, and else the first. */
const nearest = (
  timeUnixMs: number,
  wall: number,
  reckonings: Reckonings,
  monotonic: number,
): Candidate | undefined => {
  let [found, distanceMs]: [Candidate | undefined, number] = [undefined, Infinity]
  const look = (one: Candidate, shown: number): void => {
    const fromMs = Math.abs(timeUnixMs - shown)
    if (fromMs <= AGREEMENT_MS && fromMs < distanceMs) [found, distanceMs] = [one, fromMs]
  }
  look('wall', wall)
  for (const one of reckonings) look(one, monotonic + one.offsetMs)
  return found
}
