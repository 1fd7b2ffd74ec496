import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Reply, type Served, wsProvider } from '../../../src/testing'
import { eventually } from '../../helpers/eventually'
import { type Manner, priceOf, type Sent, startBatching, Venue } from './batch-rig'

const SYMBOLS = ['S0', 'S1', 'S2', 'S3', 'S4', 'S5']
const NEVER_LISTED = 'S5'
const SECOND = 1_000

type Step =
  | { want: string }
  | { pass: number }
  | { end: 'close' | 'reset' }
  | { manner: Manner; of: string }
  | { forget: string }
  | { tick: true }

const anySymbol = fc.constantFrom(...SYMBOLS)
const anyManner = fc.constantFrom<Manner[]>('accept', 'refuse', 'mute', 'lose')
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ want: anySymbol }) },
  { weight: 4, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 70 }) }) },
  { weight: 1, arbitrary: fc.record({ end: fc.constantFrom('close' as const, 'reset' as const) }) },
  { weight: 3, arbitrary: fc.record({ manner: anyManner, of: anySymbol }) },
  { weight: 1, arbitrary: fc.record({ forget: anySymbol }) },
  { weight: 3, arbitrary: fc.constant({ tick: true as const }) },
)

/** A client's answer is the symbol's own price, or says why there is none. */
const judge = (symbol: string, { statusCode, json }: Reply) => {
  if (statusCode === 200) expect(json.result).toBe(priceOf(symbol))
  else if (statusCode === 502) expect(json.errorMessage).toBe(`${symbol} is not listed`)
  else expect(statusCode).toBe(504)
}

const isNamed = ({ statusCode, json }: Reply) =>
  statusCode === 200 || json.errorMessage !== undefined || json.error?.reason?.code !== undefined

/** Resolves when the transport has looked at what is due after this call. */
const nextPass = async (service: Pick<Served, 'metric'>) => {
  const passes = async () => (await service.metric('bg_execute_total', { adapter_endpoint: 'price' })) ?? 0
  const before = await passes()
  // The first one may have begun before.
  await eventually(async () => expect(await passes()).toBeGreaterThan(before + 1))
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'] }))
afterEach(() => void vi.useRealTimers())

const run = async (hasNumbers: boolean, saysNumberOfDup: boolean, steps: Step[], last: string[]) => {
  await using provider = await wsProvider()
  const venue = new Venue(provider, hasNumbers)
  venue.saysNumberOfDup = saysNumberOfDup
  const manners = new Map<string, Manner>([[NEVER_LISTED, 'refuse']])
  venue.mannerOf = (symbol) => manners.get(symbol) ?? 'accept'
  await using service = await startBatching(venue)
  const ask = async (s: string) => judge(s, await service.post({ s }))
  for (const step of steps) {
    if ('want' in step) await ask(step.want)
    else if ('pass' in step) vi.advanceTimersByTime(step.pass * SECOND)
    else if ('manner' in step) manners.set(step.of, step.of === NEVER_LISTED ? 'refuse' : step.manner)
    else if ('forget' in step) venue.forget(step.forget)
    else if ('tick' in step) venue.tick()
    else for (const [connection] of venue.open) connection[step.end === 'close' ? 'close' : 'destroy']()
    // A turn in which what was sent may arrive.
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const symbol of SYMBOLS) if (symbol !== NEVER_LISTED) manners.set(symbol, 'accept')
  const listed = last.filter((symbol) => symbol !== NEVER_LISTED)
  await eventually(async () => {
    vi.advanceTimersByTime(10 * SECOND)
    venue.tick()
    const replies = await Promise.all(last.map((s) => service.post({ s })))
    last.forEach((symbol, at) => judge(symbol, replies[at]!))
    expect(venue.subscribed).toEqual([...listed].sort())
    expect(replies.map(({ statusCode }) => statusCode)).toEqual(
      last.map((symbol) => (symbol === NEVER_LISTED ? 502 : 200)),
    )
  })
}

describe('subscriptions in batches', () => {
  it.each([
    ['symbols', false, true],
    ['numbers of channels', true, true],
    ['numbers of channels that are said once', true, false],
  ])(
    'SB-1: are at the provider what is wanted and listed, each once, after any faults, by %s',
    async (_by, hasNumbers, saysNumberOfDup) => {
      const any = fc.tuple(fc.array(anyStep, { maxLength: 40 }), fc.uniqueArray(anySymbol, { minLength: 1 }))
      await fc.assert(
        fc.asyncProperty(any, ([steps, last]) => run(hasNumbers, saysNumberOfDup, steps, last)),
        { numRuns: 8, endOnFailure: true },
      )
    },
    60_000,
  )

  it.each(['symbols', 'numbers of channels'])(
    'SB-2: are restored in their spelling, wherever in the protocol the connection ends, by %s',
    async (by) => {
      await using provider = await wsProvider()
      const venue = new Venue(provider, by !== 'symbols')
      await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
      const wanted = ['S1', 'S2', 'S3', 'S4']
      const isRestored = () =>
        eventually(() => {
          vi.advanceTimersByTime(SECOND)
          venue.tick()
          expect(venue.subscribed).toEqual(wanted)
        })
      const endAll = () => {
        for (const [connection] of venue.open) venue.kill(connection)
      }
      /** Ends a connection when so many symbols were asked for on it, once. */
      const endAfter = (count: number) => {
        let answered = 0
        venue.mannerOf = (_symbol, connection) => {
          if (answered++ === count) venue.kill(connection)
          return 'accept'
        }
      }
      let isGreetingEnded = true
      provider.onConnection((connection) => {
        if (!isGreetingEnded) connection.close(1001)
        isGreetingEnded = true
      })
      for (const symbol of wanted) await service.post({ s: symbol })
      await isRestored()
      const points: Record<string, () => Promise<void> | void> = {
        'before it opens': async () => {
          provider.refuse()
          const { handshakes } = provider
          endAll()
          await eventually(() => {
            vi.advanceTimersByTime(SECOND)
            expect(provider.handshakes).toBeGreaterThan(handshakes)
          })
          provider.accept()
        },
        'in the greeting': () => {
          isGreetingEnded = false
          endAll()
        },
        'before the answers': () => {
          endAfter(0)
          endAll()
        },
        'between the answers': () => {
          endAfter(2)
          endAll()
        },
        'after the answers': endAll,
        'after the first tick': () => {
          venue.tick()
          endAll()
        },
        repeatedly: async () => {
          for (let time = 0; time < 3; time++) {
            endAfter(time)
            endAll()
            await eventually(() => expect(venue.open).not.toEqual([]))
          }
        },
      }
      for (const end of Object.values(points)) {
        const before = provider.connections.length
        await end()
        await isRestored()
        expect(provider.connections.length).toBeGreaterThan(before)
        const spelled = venue.sent.flatMap(({ op, s }) => (op === 'sub' ? s : []))
        expect([...new Set(spelled)].sort()).toEqual(wanted)
      }
      for (const s of wanted)
        await eventually(async () => {
          venue.tick()
          expect((await service.post({ s })).json.result).toBe(priceOf(s))
        })
    },
  )

  it('SB-3: that are not answered, or are refused, are asked for again with pauses, and named meanwhile', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    const manners: Record<string, Manner> = { S1: 'lose', S2: 'refuse', S3: 'mute' }
    venue.mannerOf = (symbol) => manners[symbol] ?? 'accept'
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
    const symbols = ['S0', 'S1', 'S2', 'S3']
    const asked = (symbol: string) =>
      venue.sent.filter(({ op, s }) => op === 'sub' && s.includes(symbol)).length
    const ask = (s: string) => service.post({ s })
    await Promise.all(symbols.map(ask))
    await eventually(() => expect(symbols.map(asked)).toEqual([1, 1, 1, 1]))
    // A refusal is the answer as soon as it has come.
    await eventually(async () => {
      venue.tick()
      const [good, unanswered, refused, mute] = await Promise.all(symbols.map(ask))
      expect(refused!.json.errorMessage).toBe('S2 is not listed')
      expect([good, unanswered, mute].map((reply) => reply!.statusCode)).toEqual([200, 504, 200])
    })
    for (let step = 0; step < 50; step++) {
      vi.advanceTimersByTime(25 * SECOND)
      venue.tick()
      const passed = venue.sent.length
      await nextPass(service)
      expect(venue.sent.length - passed).toBeLessThan(4)
      const replies = await Promise.all(symbols.map(ask))
      expect(replies.map(isNamed)).toEqual([true, true, true, true])
    }
    const [good, unanswered, refused] = await Promise.all(symbols.map(ask))
    expect(good!.statusCode).toBe(200)
    expect(unanswered!.json.error.reason).toMatchObject({ code: 'UNANSWERED' })
    expect(refused!.json.errorMessage).toBe('S2 is not listed')
    // 15, 30, 60 and 120 s, then every 15 minutes; and 1, 2, 4 and 8 minutes, then every 15.
    expect(asked('S1')).toBeLessThanOrEqual(8)
    expect(asked('S2')).toBeLessThanOrEqual(8)
    // What is not answered but sends is subscribed.
    expect(asked('S3')).toBe(1)
    manners['S1'] = manners['S2'] = 'accept'
    await eventually(async () => {
      vi.advanceTimersByTime(10 * SECOND)
      venue.tick()
      for (const s of symbols) expect((await ask(s)).statusCode).toBe(200)
    })
  })

  it('SB-3: are asked for on a new connection when nothing at all is answered', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    venue.mannerOf = () => (provider.connections.length > 1 ? 'accept' : 'lose')
    await using service = await startBatching(venue, {
      WS_SUBSCRIPTION_TTL: '3600000',
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
    })
    await service.post({ s: 'S1' })
    await eventually(() => {
      vi.advanceTimersByTime(5 * SECOND)
      venue.tick()
      expect(venue.subscribed).toEqual(['S1'])
    })
    expect((await provider.connection(0)).isOpen).toBe(false)
  })

  it('SB-4: end when nobody asks, unless somebody asks in the meantime', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, true)
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '10000' })
    for (const s of ['S1', 'S2', 'S3']) await service.post({ s })
    await eventually(() => expect(venue.subscribed).toEqual(['S1', 'S2', 'S3']))
    // Too late for S1, in time for S2, and S3 is asked for while its end is on the way.
    vi.advanceTimersByTime(9 * SECOND)
    await service.post({ s: 'S2' })
    vi.advanceTimersByTime(2 * SECOND)
    let isAskedFor = false
    provider.onMessage((text) => {
      const { op, s } = JSON.parse(text) as Sent
      if (op !== 'unsub' || !s.includes('S3') || isAskedFor) return
      isAskedFor = true
      void service.post({ s: 'S3' })
    })
    await eventually(() => expect(venue.sent.filter(({ op }) => op === 'unsub')).toHaveLength(2))
    await eventually(() => expect(venue.subscribed).toEqual(['S2', 'S3']))
    vi.advanceTimersByTime(11 * SECOND)
    await eventually(() => expect(venue.subscribed).toEqual([]))
  })

  it('are subscribed again alone when the provider has forgotten one of them, while the others tick', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
    const symbols = ['S1', 'S2', 'S3']
    for (const s of symbols) await service.post({ s })
    await eventually(() => expect(venue.subscribed).toEqual(symbols))
    venue.tick()
    for (const s of symbols) await service.until({ s }, ({ statusCode }) => statusCode === 200)
    const before = venue.sent.length
    venue.forget('S2')
    await eventually(() => {
      vi.advanceTimersByTime(SECOND)
      venue.tick()
      expect(venue.subscribed).toEqual(symbols)
    })
    expect(venue.sent.slice(before).map(({ op, s }) => ({ op, s }))).toEqual([
      { op: 'unsub', s: ['S2'] },
      { op: 'sub', s: ['S2'] },
    ])
    expect(provider.connections).toHaveLength(1)
  })

  it('are named as silent when they were accepted and nothing comes', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
    await service.post({ s: 'S1' })
    await eventually(async () =>
      expect((await service.post({ s: 'S1' })).json.error.reason.code).toBe('NO_DATA_YET'),
    )
    vi.advanceTimersByTime(16 * SECOND)
    const { json } = await eventually(async () => {
      const reply = await service.post({ s: 'S1' })
      expect(reply.json.error.reason.code).toBe('SILENT')
      return reply
    })
    expect(json.error.reason).toMatchObject({
      message: 'Subscribed, but no data comes: asked for again once',
      nextAttemptUnixMs: expect.any(Number) as number,
    })
  })

  it('SB-6: are subscribed again alone, then on another connection, and get their value there; the others are not touched', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    venue.mannerOf = (symbol, { index }) => (symbol === 'S2' && index === 0 ? 'deaf' : 'accept')
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
    const symbols = ['S1', 'S2', 'S3']
    for (const s of symbols) await service.post({ s })
    await eventually(() => expect(venue.subscribed).toEqual(symbols))
    const before = venue.sent.length
    await eventually(() => {
      vi.advanceTimersByTime(SECOND)
      venue.tick()
      expect(provider.connections).toHaveLength(2)
    })
    await eventually(async () => {
      venue.tick()
      expect((await service.post({ s: 'S2' })).statusCode).toBe(200)
    })
    await eventually(() => expect(venue.subscribed).toEqual(symbols))
    expect((await service.post({ s: 'S2' })).json.result).toBe(priceOf('S2'))
    const messages = venue.sent.slice(before)
    expect(messages.every(({ s }) => s.length === 1 && s[0] === 'S2')).toBe(true)
    const asked = messages.filter(({ op }) => op === 'sub').map(({ connection }) => connection)
    expect(asked.slice(0, 1)).toEqual([0])
    expect(asked.at(-1)).toBe(1)
    expect(provider.connections).toHaveLength(2)
  })

  it('SB-6: come home when they are silent on the other connection too, have a reason all the time, and are moved ever more seldom', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    // S3 stays on the other connection, where it is heard.
    venue.mannerOf = (symbol, { index }) =>
      symbol === 'S2' || (symbol === 'S3' && index === 0) ? 'deaf' : 'accept'
    await using service = await startBatching(venue, {
      WS_SUBSCRIPTION_TTL: '3600000',
      CACHE_MAX_AGE: '600000',
    })
    const symbols = ['S1', 'S2', 'S3']
    for (const s of symbols) await service.post({ s })
    await eventually(() => expect(venue.subscribed).toEqual(symbols))
    const moves: number[] = []
    let isMoved = false
    let twice = 0
    let longest = 0
    for (let second = 0; second < 1_200; second++) {
      vi.advanceTimersByTime(SECOND)
      venue.tick()
      const { statusCode, json } = await service.post({ s: 'S2' })
      expect(statusCode).toBe(504)
      expect(['STARTING', 'NO_DATA_YET', 'SILENT']).toContain(json.error.reason.code)
      const isThere = venue.open.some(([{ index }, book]) => index > 0 && book.has('S2'))
      if (isThere && !isMoved) moves.push(second)
      isMoved = isThere
      twice = venue.subscribed.length > symbols.length ? twice + 1 : 0
      longest = Math.max(longest, twice)
    }
    // For a moment it may be on its way.
    expect(longest).toBeLessThan(3)
    const pauses = moves.slice(1).map((second, index) => second - moves[index]!)
    expect(moves.length).toBeGreaterThan(2)
    expect(moves.length).toBeLessThan(8)
    // From a minute on, the shortest pause doubles with each move.
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(60 * 2 ** index - 1)
    expect(provider.connections[0]!.isOpen).toBe(true)
    await eventually(() => expect(venue.subscribed).toEqual(symbols))
    expect((await service.post({ s: 'S3' })).statusCode).toBe(200)
  }, 60_000)

  it('SB-5: that end the connection are found in few connections, because the answers tell how far the provider has read', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    venue.mannerOf = (symbol) => (symbol === 'S70' ? 'close' : 'accept')
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
    const symbols = Array.from({ length: 120 }, (_, index) => `S${index}`)
    const good = symbols.filter((symbol) => symbol !== 'S70').sort()
    await Promise.all(symbols.map((s) => service.post({ s })))
    await eventually(async () => {
      const { json } = await service.post({ s: 'S70' })
      expect(json.error.reason.code).toBe('QUARANTINED')
    })
    await eventually(() => expect(venue.subscribed).toEqual(good))
    // Of the main one; of a step of four, then of one, then alone; and the two that live.
    expect(provider.connections.length).toBeLessThanOrEqual(6)
  })

  it('keep an old value and the refusal beside it, and then answer with the refusal', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
    await service.post({ s: 'S1' })
    await eventually(() => expect(venue.subscribed).toEqual(['S1']))
    venue.tick()
    await service.until({ s: 'S1' }, ({ statusCode }) => statusCode === 200)
    const connection = await provider.connection()
    connection.send({ no: 'S1' })
    venue.forget('S1')
    venue.mannerOf = () => 'refuse'
    connection.send({ of: 'S2', price: 1 })
    for (let at = 0; at < 5; at++) {
      expect((await service.post({ s: 'S1' })).statusCode).toBe(200)
      vi.advanceTimersByTime(10 * SECOND)
    }
    vi.advanceTimersByTime(11 * SECOND)
    await eventually(async () => {
      const { statusCode, json } = await service.post({ s: 'S1' })
      expect(statusCode).not.toBe(200)
      expect(json.errorMessage ?? json.error.reason.message).toBe('S1 is not listed')
    })
  })

  it('FR-2, FR-4: have values that live on by confirmations of their own, as old as they are, and no longer than allowed', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, true)
    await using service = await startBatching(venue, { WS_SUBSCRIPTION_TTL: '3600000' })
    for (const s of ['S1', 'S2']) await service.post({ s })
    await eventually(() => expect(venue.subscribed).toEqual(['S1', 'S2']))
    const connection = await provider.connection()
    const [[, book] = []] = venue.open
    venue.tick()
    const first = await service.until({ s: 'S1' }, ({ statusCode }) => statusCode === 200)
    venue.mannerOf = () => 'mute'
    const confirm = async () => {
      vi.advanceTimersByTime(20 * SECOND)
      // The connection is well, which says nothing of any feed on it.
      connection.send({ alive: true })
      connection.send({ still: book!.get('S1') })
      await eventually(async () => {
        const { statusCode, json } = await service.post({ s: 'S1' })
        expect({ statusCode, times: json.timestamps }).toEqual({
          statusCode: 200,
          times: first.json.timestamps,
        })
      })
    }
    for (let minute = 0; minute < 10; minute++) for (let at = 0; at < 3; at++) await confirm()
    const other = await service.post({ s: 'S2' })
    expect(other.statusCode).toBe(504)
    await eventually(async () => {
      vi.advanceTimersByTime(20 * SECOND)
      connection.send({ still: book!.get('S1') })
      expect((await service.post({ s: 'S1' })).statusCode).toBe(504)
    })
    expect(Date.now() - first.json.timestamps.providerDataReceivedUnixMs).toBeGreaterThan(3_500_000)
  })

  it('without any value are known to have none where the provider confirms them', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    await using service = await startBatching(venue)
    await service.post({ s: 'S1' })
    await eventually(() => expect(venue.subscribed).toEqual(['S1']))
    venue.tick('still')
    await eventually(async () =>
      expect((await service.post({ s: 'S1' })).json.error.reason).toMatchObject({
        code: 'NO_DATA',
        message: 'Listed and subscribed, but nothing has been traded',
      }),
    )
  })
})
