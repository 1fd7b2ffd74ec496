import fc from 'fast-check'
import type WebSocket from 'ws'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type RollingLimit } from '../../../src/transports/websocket/pacing/limits'
import { MessagePacer } from '../../../src/transports/websocket/pacing/message-pacer'
import { monotonicMs } from '../../../src/util/clock'
import { mostIn } from './held-clock'
import { FAKED } from './support'

afterEach(() => void vi.useRealTimers())

interface Sent {
  atMs: number
  text: string
}

const socketOf = (log: Sent[]) => {
  const note =
    (kind: string) =>
    (data: unknown): void =>
      void log.push({ atMs: monotonicMs(), text: `${kind}${String(data)}` })
  return {
    readyState: 1,
    send: note(''),
    ping: note('ping '),
    pong: note('pong '),
  } as unknown as WebSocket & {
    readyState: number
  }
}

const setUp = (limit: RollingLimit | undefined, bytesLimit?: RollingLimit) => {
  vi.useFakeTimers(FAKED)
  const log: Sent[] = []
  const rooms: number[] = []
  const dropped: unknown[] = []
  const pacer = new MessagePacer(
    { ...(limit && { messages: limit }), ...(bytesLimit && { bytes: bytesLimit }) },
    {
      onRoom: () => void rooms.push(pacer.room),
      onDropped: (error) => void dropped.push(error),
    },
  )
  const socket = socketOf(log)
  pacer.meter(socket)
  const bulk = (...names: unknown[]) =>
    pacer.inBulk(() => {
      for (const name of names) socket.send(String(name))
    })
  return { pacer, socket, log, rooms, dropped, bulk, texts: () => log.map(({ text }) => text) }
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index))

describe('the messages of a connection', () => {
  const limits = fc.record({
    count: fc.integer({ min: 1, max: 20 }),
    perMs: fc.integer({ min: 1, max: 70_000 }),
  })
  const steps = fc.array(
    fc.record({
      waitShare: fc.double({ min: 0, max: 1.2, noNaN: true }),
      bulk: fc.nat({ max: 30 }),
      urgent: fc.constantFrom('none', 'send', 'ping', 'pong'),
      reconnects: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )

  it('are never more in any window than declared, whoever sends them and on however many connections', async () => {
    await fc.assert(
      fc.asyncProperty(limits, steps, async (limit, plan) => {
        const { pacer, socket: first, log } = setUp(limit)
        let socket = first
        for (const { waitShare, bulk, urgent, reconnects } of plan) {
          await vi.advanceTimersByTimeAsync(Math.round(waitShare * limit.perMs))
          if (reconnects) {
            socket.readyState = 3
            pacer.meter((socket = socketOf(log)))
          }
          pacer.inBulk(() => numbers(bulk).forEach((name) => socket.send(name)))
          if (urgent !== 'none') socket[urgent]('beat')
        }
        await vi.advanceTimersByTimeAsync(limit.perMs * 3)
        expect(mostIn(log, limit.perMs)).toBeLessThanOrEqual(limit.count)
        pacer.stop()
        vi.useRealTimers()
      }),
    )
  })

  it('SB-7: have in no window more bytes than declared, beside their number, and all go out in the end', async () => {
    const inWindow = (log: Sent[], perMs: number) =>
      log.map(({ atMs: from }) => log.filter(({ atMs }) => atMs >= from && atMs < from + perMs))
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 })
    const bytes = fc.record({
      count: fc.integer({ min: 20, max: 300 }),
      perMs: fc.integer({ min: 100, max: 60_000 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.option(limits, { nil: undefined }),
        bytes,
        fc.array(sizes, { maxLength: 4 }),
        async (limit, most, plan) => {
          const { pacer, bulk, socket, log, texts } = setUp(limit, most)
          // Two bytes each.
          const texted = plan.map((some) => some.map((size) => 'é'.repeat(size)))
          for (const some of texted) {
            bulk(...some)
            socket.send('beat')
            await vi.advanceTimersByTimeAsync(most.perMs / 2)
          }
          const count = plan.flat().length + plan.length
          await vi.advanceTimersByTimeAsync((count + 2) * (most.perMs + (limit?.perMs ?? 0) + 500))
          for (const some of inWindow(log, most.perMs)) {
            const sum = some.reduce((total, { text }) => total + Buffer.byteLength(text), 0)
            if (some.length > 1) expect(sum).toBeLessThanOrEqual(most.count)
          }
          if (limit !== undefined) expect(mostIn(log, limit.perMs)).toBeLessThanOrEqual(limit.count)
          expect(texts().filter((text) => text !== 'beat')).toEqual(texted.flat())
          expect(texts()).toHaveLength(count)
          pacer.stop()
          vi.useRealTimers()
        },
      ),
    )
  })

  it('count as so many bytes as their payload has, whatever it is', () => {
    const { socket, texts, pacer } = setUp(undefined, { count: 10, perMs: 1_000 })
    socket.send(Buffer.alloc(3))
    socket.send([Buffer.alloc(2), Buffer.alloc(2)] as never)
    socket.send(new Uint16Array(1))
    socket.ping()
    socket.send('xx')
    expect(texts()).toHaveLength(4)
    expect(pacer.room).toBe(0)
    pacer.stop()
  })

  it('all go out in the end, in order, each once', async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(fc.nat({ max: 25 }), { maxLength: 6 }), async (limit, sizes) => {
        const { pacer, bulk, texts } = setUp(limit)
        let total = 0
        for (const size of sizes) {
          bulk(...numbers(size, total))
          total += size
        }
        await vi.advanceTimersByTimeAsync((total + 1) * limit.perMs * 1.2 + 1_000)
        expect(texts()).toEqual(numbers(total))
        pacer.stop()
        vi.useRealTimers()
      }),
    )
  })

  it('leave in the same turn while the limit allows', () => {
    const { bulk, texts, pacer } = setUp({ count: 5, perMs: 1_000 })
    bulk(...numbers(8))
    expect(texts()).toEqual(numbers(5))
    pacer.stop()
  })

  it('without a limit go out as they come, on a socket whose methods are its own', () => {
    const { pacer, socket, log, bulk } = setUp(undefined)
    const before = { ...socket }
    pacer.meter(socket)
    expect(socket).toEqual(before)
    bulk(...numbers(100))
    expect(log).toHaveLength(100)
    expect(pacer.room).toBe(Infinity)
  })

  it('of the author go before the bulk that waits', async () => {
    const { bulk, socket, texts, pacer } = setUp({ count: 2, perMs: 1_000 })
    bulk(...numbers(5))
    socket.send('beat')
    socket.pong('back')
    await vi.advanceTimersByTimeAsync(1_200)
    expect(texts()).toEqual(['0', '1', 'beat', 'pong back'])
    await vi.advanceTimersByTimeAsync(2_400)
    expect(texts().slice(4)).toEqual(['2', '3', '4'])
    pacer.stop()
  })

  it('in bulk leave a part of a long window to heartbeats', () => {
    const { bulk, socket, texts, pacer } = setUp({ count: 20, perMs: 60_000 })
    bulk(...numbers(30))
    expect(texts()).toHaveLength(18)
    socket.ping('')
    expect(texts().at(-1)).toBe('ping ')
    pacer.stop()
  })

  it('are dropped with their connection', async () => {
    const { bulk, socket, texts, pacer, rooms } = setUp({ count: 2, perMs: 1_000 })
    bulk(...numbers(5))
    socket.readyState = 3
    await vi.advanceTimersByTimeAsync(5_000)
    expect(texts()).toEqual(['0', '1'])
    expect(rooms).toEqual([2])
    pacer.stop()
  })

  it('wait in a bounded queue, and those beyond it are reported', () => {
    const { bulk, dropped, pacer } = setUp({ count: 1, perMs: 1_000 })
    bulk(...numbers(10_003))
    expect(dropped).toHaveLength(2)
    pacer.stop()
  })

  it('leave no timer behind', () => {
    const { bulk, pacer } = setUp({ count: 1, perMs: 1_000 })
    bulk(...numbers(3))
    pacer.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('wait for their own connection, and have no room while any wait', async () => {
    const { bulk, socket, log, pacer } = setUp({ count: 3, perMs: 1_000 })
    const other = socketOf(log)
    pacer.meter(other)
    bulk('0')
    expect([pacer.isLimited, pacer.room, pacer.isHolding(socket)]).toEqual([true, 2, false])
    bulk(...numbers(3, 1))
    expect([pacer.room, pacer.isHolding(socket), pacer.isHolding(other)]).toEqual([0, true, false])
    other.send('beat')
    expect(pacer.isHolding(other)).toBe(true)
    await vi.advanceTimersByTimeAsync(1_200)
    expect([pacer.room, pacer.isHolding(socket), pacer.isHolding(other)]).toEqual([1, false, false])
    pacer.stop()
  })

  it('are metered once, on sockets that may lack a method, and on none that is not there', () => {
    const { socket, pacer, texts } = setUp({ count: 2, perMs: 1_000 })
    pacer.meter(socket)
    pacer.meter(undefined)
    const bare = { send: socket.send.bind(socket) } as unknown as WebSocket
    pacer.meter(bare)
    expect(Object.keys(bare)).toEqual(['send'])
    for (let count = 0; count < 3; count++) socket.send(String(count))
    // Had it been metered twice, each would have counted twice.
    expect(texts()).toEqual(['0', '1'])
    pacer.stop()
  })

  it('that cannot be sent are reported, and hold up no other', async () => {
    const { socket, pacer, dropped } = setUp({ count: 1, perMs: 1_000 })
    const broken = {
      readyState: 1,
      send: () => {
        throw new Error('broken')
      },
    } as unknown as WebSocket
    pacer.meter(broken)
    socket.send('0')
    broken.send('1')
    await vi.advanceTimersByTimeAsync(1_200)
    expect(String(dropped)).toBe('Error: broken')
    pacer.stop()
  })

  it('on a socket that is closed are for the socket to refuse, and count for nothing', () => {
    const { socket, pacer, texts } = setUp({ count: 1, perMs: 1_000 })
    socket.readyState = 3
    socket.send('late')
    expect([texts(), pacer.room]).toEqual([['late'], 1])
    pacer.stop()
  })

  it('of the author wait no longer than a window, or than a peer may wait for a pong', () => {
    const delays = [undefined, { count: 1, perMs: 1_000 }, { count: 1, perMs: 60_000 }].map((limit) => {
      const { pacer } = setUp(limit)
      pacer.stop()
      return pacer.urgentDelayMs
    })
    expect(delays).toEqual([0, 1_050, 5_000])
  })

  it('in bulk leave nothing of a short window', () => {
    const { bulk, texts, pacer } = setUp({ count: 20, perMs: 5_000 })
    bulk(...numbers(30))
    expect(texts()).toHaveLength(20)
    pacer.stop()
  })
})
