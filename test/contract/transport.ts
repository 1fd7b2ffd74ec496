import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Served } from '../../src/testing/serve'
import { errorCodes } from '../../src/validation/error-codes'
import { type Hostile, hostile, watchProcess } from '../helpers/hostile'
import { type LocalCache } from '../../src/feeds/local-cache'
import { lateThrows } from '../../src/service/rejections'
import { asyncLocalStorage } from '../../src/util/logging'
import { OwnedStore } from '../../src/util/owner'
import { eventually } from '../helpers/eventually'
import { ownTimers } from './own-timers'

/** An adapter with one transport, and the loopback provider that it has its values from, in a test's hands. */
export interface TransportRig {
  readonly service: Pick<Served, 'adapter' | 'post' | 'until' | 'stop'>
  /** Of feed `n`; the rig has any number of them. */
  params: (n: number) => object
  /** Resolves when the provider knows, on the connection in use, that feed `n` is wanted; where nothing is subscribed, when it is there. */
  wanted: (n: number) => Promise<void>
  send: (n: number, value: number) => Promise<void>
  /** Something that the author's own function throws at. */
  sendThrowing: () => Promise<void>
  /** Elements that are none, around a good one for feed `n`. */
  sendBroken: (n: number, value: number) => Promise<void>
  /** Ends the connection in use from the provider's side. */
  cut: () => Promise<void>
  /**
   * Has our side leave the connection in use for another, and has the old one send this when it has been left. Resolves when the
   * transport has had all that it will ever get of it. Absent where the rig says that there are no late events.
   */
  late?: (n: number, value: number) => Promise<void>
  /** Has the provider say goodbye on the connection in use, and send this after it. Absent where the rig says that there is no goodbye. */
  afterGoodbye?: (n: number, value: number) => Promise<void>
  /** Has the provider announce the end of the connection in use, and keep it. Absent where the rig says that there is no announced end. */
  announce?: () => Promise<void>
  /**
   * Has the provider send these, each in the place of one good message. Resolves when they have left, and the connection that was in use
   * has ended if it had to. Absent where the rig says that another test does that.
   */
  sendHostile?: (ones: Hostile[]) => Promise<void>
  /** A good message of it. */
  sample?: string | Buffer
  /** From here on nobody gets a connection, and the one in use ends. */
  refuse: () => Promise<void>
  accept: () => void
  /** Resolves when the provider has seen the end of every connection that it ever had. */
  gone: () => Promise<void>
  /** Stops the service, if it still runs, and the provider. */
  end: () => Promise<void>
}

/** What some transports do not have, so that there is nothing to test. */
export type Situation = 'late events' | 'a goodbye' | 'an announced end' | 'hostile bytes'

export interface TransportKind {
  start: () => Promise<TransportRig>
  /** Why this transport has no such situation. No test is made for it. */
  lacks?: Partial<Record<Situation, string>>
  /** Has the timers of the test faked, moving with the real time until the rig moves them further: for waits of minutes. */
  fakesTimers?: boolean
}

/** For rigs: waits that end by an event; the machine may be busy. */
export const GUARD_MS = 20_000

/** For rigs: what is not there is answered soon, and what was lost is tried again soon. */
export const SOON = {
  CACHE_POLLING_MAX_RETRIES: '1',
  CACHE_POLLING_SLEEP_MS: '50',
  RETRY: '0',
  STREAM_HANDLER_RETRY_MIN_MS: '100',
  STREAM_HANDLER_RETRY_EXP_FACTOR: '1',
  BACKGROUND_EXECUTE_MS_WS: '10',
  BACKGROUND_EXECUTE_MS_SSE: '10',
}

const FAKED = {
  toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  shouldAdvanceTime: true,
} satisfies Parameters<typeof vi.useFakeTimers>[0]

/** Reasons that say no more than that nothing is there yet. */
const UNSAID = ['STARTING', 'NO_DATA_YET', undefined]

const codeOf = ({ json }: { json: { error?: { reason?: { code?: string } } } | undefined }) =>
  json?.error?.reason?.code

/** What every transport does, whatever it speaks. Call it at the top level of a test file. */
export const testTransport = (name: string, { start, lacks = {}, fakesTimers }: TransportKind): void => {
  let rig: TransportRig | undefined

  const begin = async (): Promise<TransportRig> => {
    if (fakesTimers === true && !vi.isFakeTimers()) vi.useFakeTimers(FAKED)
    return (rig = await start())
  }

  afterEach(async () => {
    await rig?.end()
    rig = undefined
    vi.useRealTimers()
  })

  const want = async ({ service, params, wanted }: TransportRig, n: number): Promise<void> => {
    await service.post(params(n))
    await wanted(n)
  }
  const served = async ({ service, params }: TransportRig, n: number, value: number): Promise<void> => {
    await service.until(params(n), ({ json }) => json?.result === value)
  }
  const resultOf = async ({ service, params }: TransportRig, n: number): Promise<unknown> =>
    (await service.post(params(n))).json?.result

  /** Asks until the outage has a name. */
  const outageOf = async ({ service, params }: TransportRig, n: number) => {
    for (;;) {
      const reply = await service.post(params(n))
      if (!UNSAID.includes(codeOf(reply))) return reply
    }
  }

  /** Feed 0 keeps its value through this, and the connection that follows fills both feeds. */
  const isNotTouched = async (by: (rig: TransportRig) => Promise<void>): Promise<void> => {
    const it = await begin()
    for (const n of [0, 1]) await want(it, n)
    await it.send(0, 1)
    await served(it, 0, 1)
    await by(it)
    await it.wanted(0)
    expect(await resultOf(it, 0)).toBe(1)
    await it.send(1, 2)
    await served(it, 1, 2)
    expect(await resultOf(it, 0)).toBe(1)
    await it.send(0, 3)
    await served(it, 0, 3)
  }

  describe(`${name}, as every transport,`, () => {
    it('SB-2: goes on with every wanted feed after its connection was cut', async () => {
      const it = await begin()
      for (const n of [0, 1, 2]) {
        await want(it, n)
        await it.send(n, 10 + n)
        await served(it, n, 10 + n)
      }
      for (const round of [2, 3]) {
        await it.cut()
        for (const n of [0, 1, 2]) await it.wanted(n)
        for (const n of [2, 0, 1]) {
          await it.send(n, 10 * round + n)
          await served(it, n, 10 * round + n)
        }
      }
    })

    it('IS-1: loses a bad element alone: its neighbours and later values are served', async () => {
      const it = await begin()
      for (const n of [0, 1]) await want(it, n)
      await it.send(0, 1)
      await served(it, 0, 1)
      await it.sendBroken(1, 2)
      await served(it, 1, 2)
      expect(await resultOf(it, 0)).toBe(1)
      await it.send(0, 3)
      await served(it, 0, 3)
    })

    it('IS-4: loses the message alone that an author’s function throws at', async () => {
      const it = await begin()
      for (const n of [0, 1]) await want(it, n)
      await it.send(0, 1)
      await served(it, 0, 1)
      await it.sendThrowing()
      await it.send(1, 2)
      await served(it, 1, 2)
      expect(await resultOf(it, 0)).toBe(1)
      await it.send(0, 3)
      await served(it, 0, 3)
    })

    if (lacks['hostile bytes'] === undefined)
      it('IS-2, IS-3: goes on after whatever its provider sends, and nothing escapes it', async () => {
        using watch = watchProcess()
        const it = await begin()
        await want(it, 0)
        let value = 0
        const batches = fc.array(hostile(it.sample!), { minLength: 10, maxLength: 30 })
        const run = async (ones: Hostile[]) => {
          await it.sendHostile!(ones)
          await it.cut()
          await it.wanted(0)
          await it.send(0, ++value + 1_000)
          await served(it, 0, value + 1_000)
        }
        await fc.assert(fc.asyncProperty(batches, run), { numRuns: 5, endOnFailure: true })
        expect(Object.keys(Object.prototype)).toEqual([])
        expect(watch.escaped).toEqual([])
      })

    if (lacks['late events'] === undefined)
      it('CN-1: is not touched by what a connection says that has been replaced', () =>
        isNotTouched(({ late }) => late!(0, 99)))

    if (lacks['a goodbye'] === undefined)
      it('is not touched by what a provider says after its own goodbye', () =>
        isNotTouched(({ afterGoodbye }) => afterGoodbye!(0, 99)))

    if (lacks['an announced end'] === undefined)
      it('CN-2: goes on when its peer has announced the end of the connection and keeps it', async () => {
        const it = await begin()
        await want(it, 0)
        await it.send(0, 1)
        await served(it, 0, 1)
        // Longer than anything here is waited for would it last until the library gives up.
        await it.announce!()
        await it.wanted(0)
        await it.send(0, 2)
        await served(it, 0, 2)
      })

    it('LC-3: leaves neither a connection nor a timer when it stops', async () => {
      using timers = ownTimers(fakesTimers === true ? FAKED : undefined)
      const it = await begin()
      await want(it, 0)
      await it.send(0, 1)
      await served(it, 0, 1)
      await it.service.stop()
      await it.gone()
      expect(timers.pending()).toEqual([])
    })

    it('LC-3: leaves neither when it stops while the provider refuses', async () => {
      using timers = ownTimers(fakesTimers === true ? FAKED : undefined)
      const it = await begin()
      await it.refuse()
      await outageOf(it, 0)
      await it.service.stop()
      await it.gone()
      expect(timers.pending()).toEqual([])
    })

    it('IS-4: has left its connection, and goes on on another one, when its adapter has begun again', async () => {
      const it = await begin()
      await want(it, 0)
      await it.send(0, 1)
      await served(it, 0, 1)
      const { adapter } = it.service
      const late = new OwnedStore('late', adapter.name)
      asyncLocalStorage.run(late, () => lateThrows.hear(new Error('nobody hears this'), 'rejection'))
      expect(adapter.restarted?.()).toMatchObject({ count: 1, nextUnixMs: expect.any(Number) as number })
      await it.gone()
      // For the rig, the next connection is the one in use.
      await it.cut()
      await eventually(() => expect(adapter.restarted?.()).not.toHaveProperty('nextUnixMs'))
      await it.service.post(it.params(0))
      await it.wanted(0)
      await it.send(0, 2)
      await served(it, 0, 2)
    })

    it('ER-4: is well by itself when its provider is again, for every feed, although nobody asks once more', async () => {
      const it = await begin()
      const feeds = [0, 1, 2]
      await it.refuse()
      for (const n of feeds) await outageOf(it, n)
      it.accept()
      for (const n of feeds) {
        await it.wanted(n)
        await it.send(n, 100 + n)
      }
      const { cache } = it.service.adapter.dependencies.cache as LocalCache<{ result?: number }>
      const results = () => [...cache.values()].map(({ data }) => data.value.result)
      await eventually(() => expect(results()).toEqual(expect.arrayContaining([100, 101, 102])))
    })

    it('ER-1: names to clients what is wrong while the provider refuses, and not any longer', async () => {
      const it = await begin()
      await it.refuse()
      const reply = await outageOf(it, 0)
      const code = codeOf(reply)
      expect(reply.statusCode).toBe(504)
      expect(Object.keys(errorCodes)).toContain(code)
      it.accept()
      await it.wanted(0)
      await it.send(0, 1)
      await served(it, 0, 1)
      // One that has no value still.
      expect(codeOf(await it.service.post(it.params(2)))).not.toBe(code)
    })
  })
}
