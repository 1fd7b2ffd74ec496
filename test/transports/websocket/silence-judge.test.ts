import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SILENCE_TERMS, SilenceJudge, type Tally } from '../../../src/transports/websocket/care/silence'

const { firstDataMs, leastMs, intervals, maxMs, perLook } = SILENCE_TERMS

/** Looks once a second at feeds that tick at their own intervals, until each falls silent for good. */
class Scene {
  readonly judge: SilenceJudge
  readonly asked: { feed: string; atMs: number; sinceTickMs: number }[] = []
  readonly more: Record<string, number> = {}
  now = 0

  constructor(
    readonly feeds: Record<string, { everyMs: number; untilMs: number }>,
    terms = SILENCE_TERMS,
  ) {
    this.judge = new SilenceJudge(terms)
    for (const feed of Object.keys(feeds)) this.judge.subscribed(feed, feed, this.tally(feed), 0)
  }

  writes(feed: string): number {
    const { everyMs, untilMs } = this.feeds[feed]!
    return Math.floor(Math.min(this.now, untilMs) / everyMs) + (this.more[feed] ?? 0)
  }

  tally(feed: string): Tally {
    const writes = () => this.writes(feed)
    return {
      get sets() {
        return writes()
      },
      isForgotten: false,
    }
  }

  run(untilMs: number): this {
    while (this.now < untilMs) {
      this.now += 1_000
      for (const feed of this.judge.look(this.now)) {
        const last = this.writes(feed) * this.feeds[feed]!.everyMs
        this.asked.push({ feed, atMs: this.now, sinceTickMs: this.now - last })
        this.judge.asked(feed, this.now)
      }
    }
    return this
  }

  of(feed: string) {
    return this.asked.filter((one) => one.feed === feed)
  }
}

const NEVER = Infinity

describe('the judge of silence', () => {
  it('asks again for a feed that has stopped while another ticks, after ten of its intervals or fifteen seconds', () => {
    const scene = new Scene({
      fast: { everyMs: 100, untilMs: 60_000 },
      slow: { everyMs: 5_000, untilMs: 60_000 },
      other: { everyMs: 100, untilMs: NEVER },
    }).run(300_000)
    const [fast] = scene.of('fast')
    expect(fast!.sinceTickMs).toBeGreaterThanOrEqual(leastMs)
    expect(fast!.sinceTickMs).toBeLessThanOrEqual(leastMs + 2_000)
    const [slow] = scene.of('slow')
    expect(slow!.sinceTickMs).toBeGreaterThanOrEqual(intervals * 5_000 - 1_000)
    expect(slow!.sinceTickMs).toBeLessThanOrEqual(intervals * 5_000 + 2_000)
    expect(scene.of('other')).toEqual([])
  })

  it('knows the cadence of a feed that ticked fast and was forgotten two seconds after it was subscribed', () => {
    const scene = new Scene({
      short: { everyMs: 100, untilMs: 2_000 },
      other: { everyMs: 100, untilMs: NEVER },
    }).run(60_000)
    expect(scene.of('short')[0]?.sinceTickMs).toBe(leastMs)
  })

  it('does not ask again where nothing comes for anybody: then the connection is in trouble', () => {
    const feed = { everyMs: 1_000, untilMs: 60_000 }
    const scene = new Scene({ a: feed, b: feed }).run(300_000)
    expect(scene.asked).toEqual([])
  })

  it('asks again for a feed that never had a value, after the first-data time, whoever ticks', () => {
    const scene = new Scene({ quiet: { everyMs: NEVER, untilMs: 0 } }).run(40_000)
    expect(scene.of('quiet')[0]!.atMs).toBe(firstDataMs)
  })

  it('lets alone a feed of whose cadence too little is known', () => {
    const scene = new Scene({
      rare: { everyMs: 40_000, untilMs: 100_000 },
      other: { everyMs: 100, untilMs: NEVER },
    }).run(3_600_000)
    // Before its first value it was asked for.
    expect(scene.of('rare').filter(({ atMs }) => atMs > 40_000)).toEqual([])
  })

  it('asks for a feed of whose cadence too little is known when its value is over, and knows that it is such a one', () => {
    const feeds = {
      rare: { everyMs: 40_000, untilMs: 100_000 },
      often: { everyMs: 100, untilMs: 100_000 },
      never: { everyMs: NEVER, untilMs: 0 },
      other: { everyMs: 100, untilMs: NEVER },
    }
    const scene = new Scene(feeds, { ...SILENCE_TERMS, lifeMs: 90_000 }).run(900_000)
    const [first, second] = scene.of('rare').filter(({ atMs }) => atMs > 80_000)
    // It ticks at 40 and at 80 s.
    expect([first!.atMs, second!.atMs]).toEqual([170_000, 260_000])
    expect(Object.keys(feeds).filter((feed) => scene.judge.isSeldom(feed))).toEqual(['rare'])
    expect(scene.judge.isSeldom('unknown')).toBe(false)
    expect(scene.of('often')[0]!.sinceTickMs).toBe(leastMs)
  })

  it('asks ever more seldom, up to ten minutes, and says how often', () => {
    const scene = new Scene({
      dead: { everyMs: 1_000, untilMs: 30_000 },
      other: { everyMs: 100, untilMs: NEVER },
    }).run(7_200_000)
    const times = scene.of('dead').map(({ atMs }) => atMs)
    const pauses = times.slice(1).map((at, i) => at - times[i]!)
    expect(pauses.slice(0, 8)).toEqual([15, 30, 60, 120, 240, 480, 600, 600].map((s) => s * 1_000))
    expect(scene.judge.silenceOf('dead')).toMatchObject({
      asks: times.length,
      hasSpoken: true,
      othersSpoke: true,
    })
    expect(scene.judge.silenceOf('other')).toBeUndefined()
    // As soon as something is written for it, the silence is over, whether or not it has been looked at.
    scene.more['dead'] = 1
    expect(scene.judge.silenceOf('dead')).toBeUndefined()
  })

  const lives = fc.record({
    everyMs: fc.integer({ min: 10, max: 20_000 }),
    untilMs: fc.oneof(fc.constant(NEVER), fc.integer({ min: 0, max: 300_000 })),
  })

  it('never asks for a feed within its liveness period, nor for more at a time than is allowed, nor sooner than before', () => {
    fc.assert(
      fc.property(fc.array(lives, { minLength: 1, maxLength: 12 }), (all) => {
        const scene = new Scene(Object.fromEntries(all.map((life, i) => [`F${i}`, life]))).run(900_000)
        for (const feed of Object.keys(scene.feeds)) {
          const { everyMs, untilMs } = scene.feeds[feed]!
          const asks = scene.of(feed)
          // A feed that ticks regularly is heard; the looks are a second apart.
          if (untilMs === NEVER && everyMs < firstDataMs) expect(asks).toEqual([])
          for (const { sinceTickMs } of asks) expect(sinceTickMs).toBeGreaterThanOrEqual(leastMs - 1_000)
          const pauses = asks.slice(1).map(({ atMs }, i) => atMs - asks[i]!.atMs)
          for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(Math.min(leastMs, maxMs))
        }
        const perSecond = new Map<number, number>()
        for (const { atMs } of scene.asked) perSecond.set(atMs, (perSecond.get(atMs) ?? 0) + 1)
        expect(Math.max(0, ...perSecond.values())).toBeLessThanOrEqual(perLook)
      }),
      { numRuns: 50 },
    )
  })

  it('asks for each in turn where many are silent', () => {
    const feeds = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`F${i}`, { everyMs: NEVER, untilMs: 0 }]),
    )
    const scene = new Scene(feeds).run(firstDataMs + 60_000)
    expect(new Set(scene.asked.map(({ feed }) => feed)).size).toBe(100)
  })

  it('forgets what is not wanted any more', () => {
    const scene = new Scene({ quiet: { everyMs: NEVER, untilMs: 0 } })
    scene.judge.keepOnly(() => false)
    expect(scene.run(60_000).asked).toEqual([])
  })

  it('forgets those alone that are not wanted any more', () => {
    const scene = new Scene({
      quiet: { everyMs: NEVER, untilMs: 0 },
      other: { everyMs: NEVER, untilMs: 0 },
    })
    scene.judge.keepOnly((feed) => feed === 'quiet')
    scene.run(20_000)
    expect([scene.of('quiet').length > 0, scene.of('other')]).toEqual([true, []])
    expect(scene.judge.asked('other', 0)).toBe(0)
    expect(scene.judge.silenceOf('other')).toBeUndefined()
  })

  it('gives a feed that is subscribed on another connection its time again, and keeps its cadence', () => {
    const scene = new Scene({
      slow: { everyMs: 5_000, untilMs: 60_000 },
      other: { everyMs: 100, untilMs: NEVER },
    }).run(100_000)
    scene.judge.subscribed('slow', 'slow', scene.tally('slow'), scene.now)
    scene.run(300_000)
    const [first] = scene.of('slow')
    expect(first!.atMs).toBe(100_000 + intervals * 5_000)
    // While it is silent, that it is subscribed once more changes neither its turn nor how long it has been silent.
    const { asks, sinceMs } = scene.judge.silenceOf('slow')!
    scene.judge.subscribed('slow', 'slow', scene.tally('slow'), scene.now)
    expect(scene.judge.silenceOf('slow')).toMatchObject({ asks, sinceMs })
    expect(sinceMs).toBe(60_000)
  })

  it('goes on with another tally where the keeper has forgotten the feed, and takes it for no value', () => {
    const old = { sets: 7, isForgotten: false }
    const other = { sets: 0, isForgotten: false }
    const judge = new SilenceJudge<string>(SILENCE_TERMS, (feed) => (feed === 'A' ? other : undefined))
    judge.subscribed('A', 'A', old, 0)
    old.isForgotten = true
    expect(judge.look(firstDataMs)).toEqual(['A'])
    judge.asked('A', firstDataMs)
    other.sets = 1
    expect(judge.look(firstDataMs + 1_000)).toEqual([])
    expect(judge.silenceOf('A')).toBeUndefined()
    // Where there is no other one, the old one stays.
    const alone = { sets: 3, isForgotten: true }
    judge.subscribed('B', 'B', alone, 0)
    expect(judge.look(firstDataMs + 2_000)).toEqual(['B'])
  })

  it('says when it will ask again', () => {
    const scene = new Scene({
      dead: { everyMs: 1_000, untilMs: 30_000 },
      other: { everyMs: 100, untilMs: NEVER },
    }).run(200_000)
    const { nextMs, asks } = scene.judge.silenceOf('dead')!
    scene.run(nextMs - 1_000)
    expect(scene.of('dead')).toHaveLength(asks)
    scene.run(nextMs)
    expect(scene.of('dead')).toHaveLength(asks + 1)
  })

  it('takes the usual interval for the cadence, whatever the order of short and long ones', () => {
    const judge = new SilenceJudge()
    const ticks = [0, 60, 61, 121, 122, 182].map((s) => s * 1_000)
    const writes = (now: number) => ticks.filter((ms) => ms <= now).length
    const [odd, busy] = [
      { sets: 0, isForgotten: false },
      { sets: 0, isForgotten: false },
    ]
    judge.subscribed('odd', 'odd', odd, -1)
    judge.subscribed('busy', 'busy', busy, -1)
    const found: number[] = []
    for (let now = 0; now <= 900_000 && found.length === 0; now += 1_000) {
      odd.sets = writes(now)
      busy.sets = now + 1
      if (judge.look(now).length > 0) found.push(now)
    }
    // Of 60, 1, 60, 1 and 60 s it is 60.
    expect(found).toEqual([182_000 + intervals * 60_000])
  })

  it('looks at a part of very many feeds at a time, and at all of them within twelve looks', () => {
    const judge = new SilenceJudge()
    const feeds = Array.from({ length: 10_000 }, (_, index) => `F${index}`)
    let looks = 0
    const seen = new Set<string>()
    for (const feed of feeds) {
      const tally = {
        get sets() {
          looks++
          seen.add(feed)
          return isOn && feed !== 'F9999' ? 1 : 0
        },
        isForgotten: false,
      }
      let isOn = false
      judge.subscribed(feed, feed, tally, 0)
      isOn = true
    }
    const found = new Set<string>()
    let most = 0
    seen.clear()
    for (let look = 1; look <= 12; look++) {
      looks = 0
      for (const feed of judge.look(20_000 + look * 1_000)) found.add(feed)
      most = Math.max(most, looks)
    }
    expect([seen.size, [...found]]).toEqual([10_000, ['F9999']])
    expect(most).toBeLessThan(1_000)
    judge.keepOnly((feed) => feed === 'F0')
    expect(judge.look(100_000)).toEqual([])
  })
})
