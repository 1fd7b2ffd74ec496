import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ClockStep, OurTime, Witness } from '../../src/util/our-time'

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

  it('tells for how long the machine may have slept since an era, unless the wall clock alone was wrong', () => {
    const machine = new Machine()
    const begun = machine.time.era
    machine.step(600_000)
    expect(machine.time.sleptMs(begun)).toBe(600_000)
    expect(machine.time.sleptMs(machine.time.era)).toBe(0)
    const slept = machine.time.era
    machine.step(-HOUR)
    machine.step(30_000)
    expect([machine.time.sleptMs(begun), machine.time.sleptMs(slept)]).toEqual([630_000, 30_000])
    // The ticks of a provider agree with the time from before all that.
    machine.pass(1_000).tick(new Witness(), START + 1_000)
    expect(machine.time.sleptMs(begun)).toBe(0)

    for (let time = 0; time < 300; time++) machine.step(2_000)
    expect(machine.time.sleptMs(begun)).toBe(600_000)
    expect(machine.time.sleptMs(machine.time.era)).toBe(0)
  })

  it('a sleep that ticks have spoken for remains one, whatever they say of a later step', () => {
    const [machine, witness] = [new Machine(), new Witness()]
    const begun = machine.time.era
    machine
      .tick(witness, START)
      .step(HOUR)
      .pass(1_000)
      .tick(witness, START + 1_000)
    machine.step(50_000).tick(witness, START + 51_000)
    machine
      .step(HOUR)
      .pass(1_000)
      .tick(witness, START + 52_000)
    expect(machine.time.sleptMs(begun)).toBe(50_000)
  })

  it('FR-1: what was on its way while the machine slept takes nothing back of the sleep', () => {
    for (const before of [-HOUR, 0, HOUR]) {
      const [machine, sources] = [new Machine(), [new Witness(), new Witness()] as const]
      const begun = machine.time.era
      for (const source of sources) machine.tick(source, START)
      if (before !== 0) machine.step(before).pass(2_000)
      const awake = machine.monotonic
      for (const source of sources) machine.tick(source, START + awake)
      const slept = machine.time.sleptMs(begun)
      machine.step(500_000)
      // Sent before the sleep, and read after it.
      for (const source of sources) machine.pass(50).tick(source, START + awake)
      expect(machine.time.sleptMs(begun)).toBe(slept + 500_000)
      machine.pass(1_000)
      for (const source of sources)
        for (let time = 0; time < 3; time++) machine.tick(source, START + machine.monotonic + 500_000)
      expect(machine.time.sleptMs(begun)).toBe(slept + 500_000)
    }
  })

  it('FR-1: what was on its way while the machine slept has no say any more once a tick of after it is there, of whatever source', () => {
    for (const before of [-HOUR, 0]) {
      const [machine, first, second] = [new Machine(), new Witness(), new Witness()]
      for (const source of [first, second]) machine.tick(source, START)
      if (before !== 0) machine.step(before).pass(2_000)
      for (const source of [first, second]) machine.tick(source, machine.monotonic + START)
      const asleep = START + machine.monotonic
      machine.step(500_000)
      machine.pass(50).tick(first, asleep).tick(second, asleep)
      machine.pass(50).tick(first, asleep + 500_100)
      expect(machine.time.now()).toBe(asleep + 500_100)
      // Nor has one that is read later still, of a source that has not been heard since.
      machine.tick(second, asleep)
      expect(machine.time.now()).toBe(asleep + 500_100)
    }
  })

  it('TM-3: a step ahead that was none of a sleep is known by the first tick, and as surely as ever by one of a second later', () => {
    const [machine, honest, liar] = [new Machine(), new Witness(), new Witness()]
    machine.tick(honest, START).tick(liar, START)
    machine.step(HOUR).tick(honest, START)
    expect(machine.time.now()).toBe(START)
    machine
      .pass(1_000)
      .tick(honest, START + 1_000)
      .tick(liar, machine.wall)
    expect(machine.time.now()).toBe(START + 1_000)
    machine.pass(1_000).tick(liar, machine.wall).tick(liar, machine.wall)
    expect(machine.time.now()).toBe(START + 2_000)
  })

  it('TM-3: a step that was none of a sleep is taken back by the ticks that go on coming, and honest ones are accepted at once', () => {
    const [machine, witness] = [new Machine(), new Witness()]
    const begun = machine.time.era
    machine.tick(witness, START).step(HOUR)
    machine.tick(witness, START)
    expect([machine.time.now(), machine.time.sleptMs(begun)]).toEqual([START, HOUR])
    machine.pass(999).tick(witness, START + 999)
    expect(machine.time.sleptMs(begun)).toBe(HOUR)
    machine.pass(1).tick(witness, START + 1_000)
    expect([machine.time.now(), machine.time.sleptMs(begun)]).toEqual([START + 1_000, 0])
  })

  it('where the wall clock alone is ruled, it is the time', () => {
    const machine = new Machine()
    machine.time.trustsWall = true
    machine.step(-HOUR)
    expect(machine.time.now()).toBe(START - HOUR)
    // Given back, it has not been set.
    machine.time.trustsWall = false
    machine.step(HOUR)
    expect(machine.time.now()).toBe(START)
    expect(machine.seen).toEqual([])
  })
})

it('our time is the wall clock from the first look on, however long the machine has run', () => {
  const machine = new Machine()
  machine.monotonic = 5_000_000
  const time = new OurTime({ wall: () => machine.wall, monotonic: () => machine.monotonic })
  expect(time.now()).toBe(START)
  expect(time.steps).toBe(0)
})

describe('the limits of our time', () => {
  it('are a second for a step', () => {
    for (const [by, steps] of [
      [999, 0],
      [-999, 0],
      [1_000, 1],
      [-1_000, 1],
    ] as const)
      expect(new Machine().step(by).time.steps).toBe(steps)
  })

  it('are five seconds for what agrees with a clock, on either side', () => {
    for (const [off, agreed] of [
      [5_000, 'kept'],
      [-5_000, 'kept'],
      [5_001, undefined],
      [-5_001, undefined],
    ] as const)
      expect(new Machine().step(HOUR).tick(new Witness(), START + off).time.lastStep?.agreed).toBe(agreed)
    // As near to the one as to the other: it is the wall clock's.
    expect(new Machine().step(4_000).tick(new Witness(), START + 2_000).time.lastStep?.agreed).toBe('wall')
    expect(new Machine().step(4_000).tick(new Witness(), START + 1_999).time.lastStep?.agreed).toBe('kept')
  })

  it('are ten minutes for the time from before, once the wall clock is right', () => {
    const machine = new Machine().step(HOUR)
    machine.pass(5_000).tick(new Witness(), machine.wall)
    machine.pass(600_000)
    expect(machine.time.lastStep?.agreed).toBe('wall')
    machine.pass(1)
    expect(machine.time.lastStep).toBeUndefined()
  })
})

describe('sources that tell the time', () => {
  it('who contradict each other evenly decide nothing', () => {
    const machine = new Machine().step(HOUR).pass(1_000)
    machine.tick(new Witness(), START)
    const { era } = machine.time
    machine.tick(new Witness(), machine.wall)
    expect(machine.time.lastStep?.agreed).toBe('kept')
    expect(machine.time.era).toBe(era)
    machine.tick(new Witness(), machine.wall)
    expect(machine.time.lastStep?.agreed).toBe('wall')
    expect(machine.time.era).toBe(era + 1)
    machine.tick(new Witness(), machine.wall)
    expect(machine.time.era).toBe(era + 1)
  })

  it('change their mind only by ticks in a row', () => {
    const machine = new Machine().step(HOUR).pass(1_000)
    const witness = new Witness()
    machine.tick(witness, START).tick(witness, START).tick(witness, START)
    machine.tick(witness, machine.wall).tick(witness, machine.wall)
    expect(machine.time.lastStep?.agreed).toBe('kept')
    machine.tick(witness, machine.wall)
    expect(machine.time.lastStep?.agreed).toBe('wall')
  })

  it('are proven by one tick within five seconds of our time, and are so from then on', () => {
    for (const [off, isProven] of [
      [5_000, true],
      [-5_000, true],
      [5_001, false],
    ] as const) {
      const [machine, witness] = [new Machine(), new Witness()]
      machine.tick(witness, START + off)
      expect(witness.isProven).toBe(isProven)
      machine.tick(witness, START).tick(witness, START + HOUR)
      expect(witness.isProven).toBe(true)
    }
  })

  it.each([3_000, 600_000])(
    'TM-3: a machine that sleeps for %d ms while its wall clock is wrong still knows the time, from the next tick on',
    (sleptMs) => {
      const [machine, witness] = [new Machine(), new Witness()]
      machine
        .tick(witness, START)
        .step(HOUR)
        .pass(100)
        .tick(witness, START + 100)
      expect(machine.time.now()).toBe(START + 100)
      machine.step(sleptMs)
      // Until a tick has told, nothing seems younger than it is.
      expect(machine.time.now()).toBe(machine.wall)
      machine.pass(10).tick(witness, START + 110 + sleptMs)
      expect(machine.time.now()).toBe(START + 110 + sleptMs)
      expect(machine.time.lastStep).toMatchObject({ byMs: HOUR, agreed: 'kept' })
      machine.step(2 * sleptMs).tick(witness, START + 110 + 3 * sleptMs)
      expect(machine.time.now()).toBe(START + 110 + 3 * sleptMs)
      // Set right at last.
      machine.step(-HOUR)
      expect(machine.time.lastStep).toBeUndefined()
      expect(machine.time.now()).toBe(START + 110 + 3 * sleptMs)
    },
  )

  it('TM-3: whatever steps and sleeps follow each other while nothing ticks, the first honest tick tells the time', () => {
    // No two sums of these are near each other.
    const sizes = [30_000, 100_000, 310_000, 950_000, 2_900_000]
    const move = fc.constantFrom<'set ahead' | 'set back' | 'sleep'>('set ahead', 'set back', 'sleep')
    fc.assert(
      fc.property(
        fc.shuffledSubarray(sizes, { minLength: 1, maxLength: 4 }),
        fc.array(move, { minLength: 4, maxLength: 4 }),
        fc.boolean(),
        (ms, moves, isProven) => {
          const machine = new Machine()
          const witness = new Witness()
          if (isProven) machine.tick(witness, START)
          let truth = START
          for (const [at, by] of ms.entries()) {
            if (moves[at] === 'sleep') truth += by
            machine.step(moves[at] === 'set back' ? -by : by).pass(100)
            truth += 100
            expect(machine.time.now()).toBeGreaterThanOrEqual(truth)
          }
          machine.tick(witness, truth)
          expect(Math.abs(machine.time.now() - truth)).toBeLessThan(1_000)
          if (truth === machine.wall) return
          machine.step(truth - machine.wall)
          expect(machine.time.lastStep).toBeUndefined()
          expect(machine.time.now()).toBe(truth)
        },
      ),
    )
  })

  it('TM-3: a clock that is set ahead twice and back once is not believed before a tick agrees', () => {
    const [machine, witness] = [new Machine(), new Witness()]
    machine.tick(witness, START).step(HOUR).step(HOUR).step(-HOUR)
    expect(machine.time.lastStep).toMatchObject({ byMs: HOUR, agreed: undefined })
    machine.tick(witness, START)
    expect(machine.time.now()).toBe(START)
  })

  it('TM-3: after a sleep a tick of before it has no lasting say, and a wall clock that was only set again has none', () => {
    const [machine, witness] = [new Machine(), new Witness()]
    machine.tick(witness, START).step(HOUR).tick(witness, START)
    machine.step(3_000).tick(witness, START)
    for (let i = 0; i < 3; i++) machine.tick(witness, START + 3_000)
    expect(machine.time.now()).toBe(START + 3_000)
    machine.step(HOUR).tick(witness, START + 3_000)
    expect(machine.time.now()).toBe(START + 3_000)
    expect(machine.time.lastStep).toMatchObject({ byMs: 2 * HOUR, agreed: 'kept' })
  })

  it('TM-3: a step after a step that ticks agreed with is held against the wall clock of between', () => {
    const [machine, witness] = [new Machine(), new Witness()]
    machine.tick(witness, START).step(HOUR)
    machine.tick(witness, machine.wall)
    const { era } = machine.time
    machine.step(-3 * HOUR)
    expect(machine.time.lastStep).toMatchObject({ movedMs: -3 * HOUR, byMs: -3 * HOUR, agreed: undefined })
    expect(machine.time.era).toBeGreaterThan(era)
    machine.tick(witness, START + HOUR)
    expect(machine.time.now()).toBe(START + HOUR)
  })
})
