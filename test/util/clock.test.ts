import FakeTimers from '@sinonjs/fake-timers'
import fc from 'fast-check'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type ClockStep, monotonicMs, OurTime, Witness } from '../../src/util/clock'

afterEach(() => void vi.useRealTimers())

const passed = (act: () => void): number => {
  const before = monotonicMs()
  act()
  return monotonicMs() - before
}

describe('the monotonic clock', () => {
  it('TM-6: moves with the timers that a test fakes, by whatever ways it fakes them, and not with the wall clock', () => {
    for (const toFake of [
      undefined,
      ['setTimeout', 'clearTimeout'],
      ['setTimeout', 'clearTimeout', 'Date'],
    ] as const) {
      const clock = FakeTimers.install(toFake === undefined ? {} : { toFake: [...toFake] })
      onTestFinished(() => clock.uninstall())
      expect(passed(() => clock.tick(1_500))).toBe(1_500)
      expect(passed(() => clock.setSystemTime(Date.now() - 3_600_000))).toBe(0)
      expect(passed(() => clock.setSystemTime(Date.now() + 7_200_000))).toBe(0)
      clock.uninstall()
    }
  })

  it('does not stand still where Date alone does', () => {
    vi.spyOn(Date, 'now').mockReturnValue(5)
    const started = monotonicMs()
    const before = process.hrtime.bigint()
    while (process.hrtime.bigint() - before < 2_000_000n);
    expect(monotonicMs() - started).toBeGreaterThanOrEqual(2)
    vi.restoreAllMocks()
  })

  it('goes on where it was from one clock to another, and never back', () => {
    const readings = [monotonicMs()]
    for (let round = 0; round < 3; round++) {
      const clock = FakeTimers.install()
      readings.push(monotonicMs())
      clock.tick(86_400_000)
      readings.push(monotonicMs())
      clock.uninstall()
      readings.push(monotonicMs())
    }
    expect([...readings].sort((a, b) => a - b)).toEqual(readings)
    const [first = 0, second = 0, third = 0] = readings
    expect(second - first).toBeLessThan(60_000)
    expect(third - second).toBe(86_400_000)
  })
})

const START = 1_700_000_000_000
const HOUR = 3_600_000

/** A machine whose wall clock can be set, and whose monotonic clock stands still while it sleeps. */
class Machine {
  wall = START
  monotonic = 0
  readonly seen: ClockStep[] = []
  readonly time = new OurTime({ wall: () => this.wall, monotonic: () => this.monotonic }, (step) =>
    this.seen.push(step),
  )

  pass(ms: number): this {
    this.wall += ms
    this.monotonic += ms
    return this
  }

  step(ms: number): this {
    this.wall += ms
    this.time.now()
    return this
  }

  tick(witness: Witness, timeUnixMs: number): this {
    this.time.heard(witness, timeUnixMs)
    return this
  }
}

describe('our time', () => {
  it('is the wall clock, and follows it where it is slewed', () => {
    const machine = new Machine()
    for (let second = 0; second < 10_000; second++) {
      machine.pass(1_000)
      machine.wall += second % 2 === 0 ? 0.5 : -0.2
      expect(machine.time.now()).toBe(machine.wall)
    }
    expect(machine.seen).toEqual([])
    expect(machine.time.lastStep).toBeUndefined()
  })

  it('TM-3: after a step is the one of both clocks that ticks agree with, from the first tick on, whichever way and however far', () => {
    const far = fc.integer({ min: 10_001, max: 30 * 24 * HOUR })
    fc.assert(
      fc.property(
        far,
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 0, max: 4_000 }),
        fc.boolean(),
        (byMs, isBack, isWallRight, lagMs, isProven) => {
          const machine = new Machine()
          const witness = new Witness()
          if (isProven) machine.tick(witness, START - 10)
          const move = isBack ? -byMs : byMs
          machine.step(move).pass(500)
          const [wall, kept] = [machine.wall, START + 500]
          expect(machine.time.now()).toBe(Math.max(wall, kept))
          expect(machine.time.lastStep).toMatchObject({ byMs: move, agreed: undefined })
          const right = isWallRight ? wall : kept
          machine.tick(witness, right - lagMs)
          expect(machine.time.now()).toBe(right)
          expect(machine.time.lastStep).toMatchObject({ byMs: move, agreed: isWallRight ? 'wall' : 'kept' })
          machine.pass(HOUR / 10)
          expect(machine.time.now()).toBe(right + HOUR / 10)
          expect(machine.seen).toHaveLength(1)
        },
      ),
    )
  })

  it('TM-3: goes back, which makes void, under another number each time', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ pass: fc.integer({ min: 0, max: 700_000 }) }),
            fc.record({ step: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }) }),
            fc.record({
              tick: fc.constantFrom('wall' as const, 'kept' as const),
              by: fc.integer({ min: 0, max: 2 }),
            }),
          ),
        ),
        (events) => {
          const machine = new Machine()
          const witnesses = [new Witness(), new Witness(), new Witness()]
          let [last, era] = [machine.time.now(), machine.time.era]
          for (const event of events) {
            if ('pass' in event) machine.pass(event.pass)
            else if ('step' in event) machine.wall += event.step
            else {
              const step = machine.time.lastStep
              const wall = machine.wall
              machine.tick(witnesses[event.by]!, event.tick === 'wall' ? wall : wall - (step?.byMs ?? 0))
            }
            const now = machine.time.now()
            if (now < last - 1_000) expect(machine.time.era).not.toBe(era)
            ;[last, era] = [now, machine.time.era]
          }
        },
      ),
    )
  })

  it('a source that has told the time before outvotes any number that have not', () => {
    const machine = new Machine()
    const [honest, ...liars] = Array.from({ length: 5 }, () => new Witness())
    machine.tick(honest!, START)
    for (const liar of liars) machine.tick(liar, START + HOUR)
    machine.step(HOUR)
    for (const liar of liars) machine.tick(liar, machine.wall)
    machine.tick(honest!, START)
    expect(machine.time.now()).toBe(START)
    for (const liar of liars) machine.tick(liar, machine.wall)
    expect(machine.time.now()).toBe(START)
  })

  it('TM-3: a wall clock that stands still, or runs at another speed, does not take honest ticks with it', () => {
    for (const speed of [0, 0.5, 2, -1]) {
      const machine = new Machine()
      const witness = new Witness()
      for (let second = 1; second <= 3_600; second++) {
        machine.monotonic += 1_000
        machine.wall += 1_000 * speed
        const truth = START + second * 1_000
        machine.tick(witness, truth)
        expect(Math.abs(machine.time.now() - truth)).toBeLessThan(5_000)
      }
    }
  })

  it('one odd tick of a source that has voted changes nothing, and three in a row do', () => {
    const machine = new Machine()
    const witness = new Witness()
    machine.step(-HOUR).tick(witness, START)
    for (let round = 0; round < 5; round++) {
      machine.tick(witness, machine.wall).tick(witness, machine.wall)
      expect(machine.time.lastStep?.agreed).toBe('kept')
      machine.tick(witness, START)
    }
    for (let tick = 0; tick < 3; tick++) machine.tick(witness, machine.wall)
    expect(machine.time.lastStep?.agreed).toBe('wall')
  })

  it('a wrong verdict does not last: the majority of the sources counts', () => {
    const machine = new Machine()
    const witnesses = Array.from({ length: 3 }, () => new Witness())
    for (const witness of witnesses) machine.tick(witness, START)
    machine.step(-HOUR)
    machine.tick(witnesses[0]!, machine.wall)
    expect(machine.time.lastStep?.agreed).toBe('wall')
    machine.tick(witnesses[1]!, START)
    expect(machine.time.lastStep?.agreed).toBe('wall')
    machine.tick(witnesses[2]!, START)
    expect(machine.time.lastStep?.agreed).toBe('kept')
    expect(machine.time.now()).toBe(START)
  })

  it('what agrees with neither has no vote', () => {
    const machine = new Machine()
    const witness = new Witness()
    machine
      .step(-HOUR)
      .tick(witness, START - HOUR / 2)
      .tick(witness, START + HOUR)
      .tick(witness, NaN)
    expect(machine.time.lastStep?.agreed).toBeUndefined()
  })

  it('TM-3: a clock that is set right again is trusted as before', () => {
    for (const first of [-HOUR, HOUR]) {
      const machine = new Machine()
      const witness = new Witness()
      machine.tick(witness, START).step(first).tick(witness, START).pass(60_000).step(-first)
      expect(machine.time.lastStep).toBeUndefined()
      expect(machine.time.now()).toBe(machine.wall)
      expect(machine.seen.map(({ movedMs }) => movedMs)).toEqual([first, -first])
      expect(machine.time.steps).toBe(2)
    }
  })

  it('a second step before anybody has voted is held against the time that was trusted', () => {
    const machine = new Machine()
    const witness = new Witness()
    machine.step(-HOUR).step(-HOUR)
    expect(machine.time.lastStep?.byMs).toBe(-2 * HOUR)
    machine.tick(witness, START)
    expect(machine.time.now()).toBe(START)
  })

  it('a machine that slept: the wall clock counted on, and the first tick says so', () => {
    const machine = new Machine()
    const witness = new Witness()
    machine.tick(witness, START)
    machine.step(8 * HOUR)
    expect(machine.time.now()).toBe(START + 8 * HOUR)
    machine.tick(witness, machine.wall)
    expect(machine.time.lastStep?.agreed).toBe('wall')
    // Agreed for long enough: it was a step, and is one no more.
    machine.pass(700_000)
    expect(machine.time.lastStep).toBeUndefined()
    expect(machine.time.now()).toBe(machine.wall)
  })

  it('where the wall clock alone is ruled, it is the time', () => {
    const machine = new Machine()
    machine.time.trustsWall = true
    machine.step(-HOUR)
    expect(machine.time.now()).toBe(START - HOUR)
    expect(machine.seen).toEqual([])
  })
})
