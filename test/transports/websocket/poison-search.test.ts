import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitArrayIntoChunks } from '../../../src/util/arrays'
import { PoisonSearch, type Probe } from '../../../src/transports/websocket/care/poison-search'

const always = () => true
const feedsOf = (count: number) => Array.from({ length: count }, (_, i) => `F${i}`)

/** A provider that closes a connection when a poison feed is subscribed on it, and who searches with one search. */
class Scene {
  readonly search = new PoisonSearch()
  /** Feeds on the main connection. */
  readonly main = new Set<string>()
  now = 0
  /** Subscribe messages that the provider has got, and side connections that it has seen. */
  messages = 0
  probes = 0
  livedProbes = 0

  constructor(
    readonly wanted: Set<string>,
    readonly poison: Set<string>,
  ) {}

  isBad(feeds: Iterable<string>): boolean {
    return [...feeds].some((feed) => this.poison.has(feed))
  }

  get home(): string[] {
    return [...this.wanted].filter((feed) => !this.search.isAway(feed))
  }

  /** Subscribes on the main connection what belongs there and is not there yet; again after each close. */
  settleMain(mostCloses = 20): void {
    for (let closes = 0; closes < mostCloses; closes++) {
      const news = this.home.filter((feed) => !this.main.has(feed))
      this.messages += news.length
      for (const feed of news) this.main.add(feed)
      if (!this.isBad(this.main)) {
        for (const feed of news) this.search.trust(feed)
        this.search.calm()
        return
      }
      this.main.clear()
      this.search.closed(news)
    }
  }

  get isStepwise(): boolean {
    return false
  }

  outcome(probe: Probe): void {
    this.messages += probe.feeds.length
    this.probes++
    if (this.isBad(probe.feeds)) this.search.died(probe, this.now, this.now)
    else this.search.lived(probe)
  }

  run(): void {
    this.settleMain()
    for (let turn = 0; turn < 10_000; turn++) {
      const probe = this.search.next(this.now, (feed) => this.wanted.has(feed), this.isStepwise)
      if (probe === undefined) return
      this.outcome(probe)
      this.settleMain()
    }
    throw new Error('The search does not end')
  }

  get quarantined(): string[] {
    return [...this.wanted].filter((feed) => this.search.sentenceOf(feed) !== undefined)
  }
}

/** A provider that answers each subscription, so that the feeds of a trial are subscribed in steps. */
class AnsweringScene extends Scene {
  /** @param isLate - whether it accepts a poison feed as well, and closes when the next step has been sent */
  constructor(
    wanted: Set<string>,
    poison: Set<string>,
    readonly isLate: boolean,
  ) {
    super(wanted, poison)
  }

  override get isStepwise(): boolean {
    return true
  }

  override outcome(probe: Probe): void {
    this.probes++
    const steps = splitArrayIntoChunks([...probe.feeds], Math.ceil(probe.feeds.length / 32))
    const at = steps.findIndex((step) => this.isBad(step))
    if (at < 0) {
      this.livedProbes++
      return this.search.lived(probe)
    }
    const unanswered = this.isLate ? steps[at + 1] : steps[at]
    this.search.died(probe, this.now, this.now, unanswered ?? [])
  }
}

/** How many feeds there are, and which of them are poison. */
const scenes = fc
  .tuple(fc.integer({ min: 1, max: 400 }), fc.uniqueArray(fc.nat(), { maxLength: 3 }))
  .map(([count, places]) => {
    const feeds = feedsOf(count)
    return { feeds, poison: new Set(places.map((place) => feeds[place % count]!)) }
  })

describe('the search for the feeds that end connections', () => {
  it('finds all of them and no other, whatever their number and place', () => {
    fc.assert(
      fc.property(scenes, ({ feeds, poison }) => {
        const scene = new Scene(new Set(feeds), poison)
        scene.run()
        expect(new Set(scene.quarantined)).toEqual(poison)
        expect(scene.search.isSearching).toBe(false)
        expect(scene.main.size).toBe(feeds.length - poison.size)
      }),
    )
  })

  it('takes few trials and messages, even where nothing is known of any feed', () => {
    fc.assert(
      fc.property(scenes, ({ feeds, poison }) => {
        const scene = new Scene(new Set(feeds), poison)
        scene.run()
        const [n, p, log] = [feeds.length, poison.size, Math.log2(feeds.length + 1)]
        expect(scene.messages).toBeLessThanOrEqual(4 * n + 10 * p * (log + 1))
        expect(scene.probes).toBeLessThanOrEqual(p * (log + 4) + 5)
      }),
      { numRuns: 300 },
    )
  })

  it('takes no more than three connections for each of them where the answers of a provider tell how far it has read', () => {
    fc.assert(
      fc.property(scenes, ({ feeds, poison }) => {
        const scene = new AnsweringScene(new Set(feeds), poison, false)
        scene.run()
        expect(new Set(scene.quarantined)).toEqual(poison)
        const deaths = scene.probes - scene.livedProbes
        expect(deaths).toBeLessThanOrEqual(3 * poison.size)
      }),
      { numRuns: 300 },
    )
  })

  it('finds them as ever where a provider accepts a feed and closes the connection then', () => {
    fc.assert(
      fc.property(scenes, ({ feeds, poison }) => {
        const scene = new AnsweringScene(new Set(feeds), poison, true)
        scene.run()
        expect(new Set(scene.quarantined)).toEqual(poison)
        const log = Math.log2(feeds.length + 1)
        expect(scene.probes).toBeLessThanOrEqual(poison.size * (log + 7) + 12)
      }),
      { numRuns: 300 },
    )
  })

  it('costs nothing where no connection is closed', () => {
    const scene = new Scene(new Set(feedsOf(300)), new Set())
    scene.run()
    expect([scene.messages, scene.probes]).toEqual([300, 0])
  })

  it('does not touch feeds that were subscribed without harm before', () => {
    const scene = new Scene(new Set(feedsOf(300)), new Set(['X']))
    scene.run()
    scene.wanted.add('X')
    scene.run()
    expect(scene.quarantined).toEqual(['X'])
    // The others were subscribed again after the two closes, and nowhere else.
    expect(scene.messages).toBeLessThanOrEqual(300 + 2 * 301 + 4)
    expect(scene.probes).toBe(2)
  })

  it('finds a feed that was good before and is so no longer', () => {
    const scene = new Scene(new Set(feedsOf(10)), new Set())
    scene.run()
    scene.poison.add('F4')
    scene.main.clear()
    scene.run()
    expect(scene.quarantined).toEqual(['F4'])
  })

  type Event = { kind: 'close' | 'lived' | 'nothing' | 'forget' | 'want' | 'trust'; share: number }
  const events = fc.array(
    fc.record<Event>({
      kind: fc.constantFrom('close', 'lived', 'nothing', 'forget', 'want', 'trust'),
      share: fc.nat({ max: 40 }),
    }),
    { maxLength: 80 },
  )

  it('condemns nobody without a death that another connection lived through, in whatever order things happen', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), events, (count, what) => {
        const all = feedsOf(count)
        const wanted = new Set(all)
        const search = new PoisonSearch()
        for (const { kind, share } of what) {
          const some = all.slice(0, share)
          const probe = search.next(0, (feed) => wanted.has(feed))
          if (kind === 'close') search.closed(some.filter((feed) => !search.isAway(feed) && wanted.has(feed)))
          else if (kind === 'lived' && probe) search.lived(probe)
          else if (kind === 'nothing' && probe) search.provedNothing(probe, 0)
          else if (kind === 'trust') for (const feed of some) if (!search.isAway(feed)) search.trust(feed)
          if (kind === 'forget') for (const feed of some) wanted.delete(feed)
          if (kind === 'want') for (const feed of some) wanted.add(feed)
          search.keepOnly((feed) => wanted.has(feed))
        }
        expect(all.filter((feed) => search.sentenceOf(feed) !== undefined)).toEqual([])
        // What is left is tried to the end.
        for (let probe; (probe = search.next(0, always)) !== undefined;) search.lived(probe)
        expect(search.isIdle).toBe(true)
      }),
    )
  })

  it('gives the feeds back after two trials that prove nothing', () => {
    const scene = new Scene(new Set(feedsOf(4)), new Set(['F2']))
    scene.settleMain()
    for (let trial = 0; trial < 2; trial++) {
      expect(scene.search.isSearching).toBe(true)
      scene.search.provedNothing(scene.search.next(0, always)!, 0)
    }
    expect(scene.search.isIdle).toBe(true)
  })

  it('gives them back, too, when the connection without them closes as well', () => {
    const scene = new Scene(new Set(feedsOf(4)), new Set(['F2']))
    scene.settleMain()
    scene.search.closed([])
    expect(scene.search.isSearching).toBe(true)
    scene.search.closed([])
    expect(scene.search.isIdle).toBe(true)
  })

  it('SB-5: tries a condemned feed again ever more seldom, only while it is wanted, and lets it in when it is harmless', () => {
    const scene = new Scene(new Set(feedsOf(3)), new Set(['F1']))
    scene.run()
    const pauses: number[] = []
    for (let i = 0; i < 6; i++) {
      const { nextMs } = scene.search.sentenceOf('F1')!
      pauses.push(nextMs - scene.now)
      scene.now = nextMs - 1
      expect(scene.search.next(scene.now, always)).toBeUndefined()
      scene.now = nextMs
      expect(scene.search.next(scene.now, () => false)).toBeUndefined()
      const probe = scene.search.next(scene.now, always)!
      expect(probe).toEqual({ feeds: ['F1'], isReadmission: true })
      scene.outcome(probe)
    }
    expect(pauses.map((ms) => ms / 60_000)).toEqual([1, 3, 9, 27, 30, 30])
    scene.poison.clear()
    scene.now = scene.search.sentenceOf('F1')!.nextMs
    scene.run()
    expect(scene.search.isIdle).toBe(true)
    expect(scene.main).toEqual(scene.wanted)
  })

  it('remembers a condemned feed that is not wanted for a while', () => {
    const scene = new Scene(new Set(feedsOf(3)), new Set(['F1']))
    scene.run()
    scene.search.keepOnly(() => false)
    expect(scene.search.isAway('F1')).toBe(true)
  })
})
