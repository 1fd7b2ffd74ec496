import type WebSocket from 'ws'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type RollingLimit } from '../../../src/transports/websocket/pacing/limits'
import { noteWire } from '../../../src/connections/socket'
import { numbers, setUp, socketOf } from './pacer-rig'

afterEach(() => void vi.useRealTimers())

describe('the messages of a connection', () => {
  it('have no room while one waits for its bytes, even if smaller ones would fit', async () => {
    const { bulk, texts, pacer, rooms } = setUp(undefined, { count: 10, perMs: 1_000 })
    bulk('four', 'too-long')
    expect([texts(), pacer.room]).toEqual([['four'], 0])
    await vi.advanceTimersByTimeAsync(2_000)
    expect([texts(), rooms.every((room) => room > 0)]).toEqual([['four', 'too-long'], true])
    pacer.stop()
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

  it('leave in the same turn while the limit allows', () => {
    const { bulk, texts, pacer } = setUp({ count: 5, perMs: 1_000 })
    bulk(...numbers(8))
    expect(texts()).toEqual(numbers(5))
    pacer.stop()
  })

  it('without a limit go out as they come, on a socket whose methods are its own', () => {
    const { pacer, log, bulk } = setUp(undefined)
    const bare = socketOf(log)
    const before = { ...bare }
    pacer.meter(bare)
    expect([{ ...bare }, pacer.isLimited]).toEqual([before, false])
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

  it('in bulk leave a tenth of a long window, one at least, and nothing where it is one', () => {
    const sentAtOnce = (limit: RollingLimit) => {
      const { bulk, texts, pacer } = setUp(limit)
      bulk(...numbers(100))
      pacer.stop()
      return texts().length
    }
    expect(sentAtOnce({ count: 59, perMs: 60_000 })).toBe(54)
    expect(sentAtOnce({ count: 2, perMs: 60_000 })).toBe(1)
    expect(sentAtOnce({ count: 1, perMs: 60_000 })).toBe(1)
    expect(sentAtOnce({ count: 20, perMs: 5_001 })).toBe(18)
  })

  it('in bulk have the room that is left of their part, and never less than none', () => {
    const { bulk, socket, pacer } = setUp({ count: 20, perMs: 60_000 })
    expect(pacer.room).toBe(18)
    bulk(...numbers(3))
    expect(pacer.room).toBe(15)
    for (let n = 0; n < 17; n++) socket.send('beat')
    expect(pacer.room).toBe(0)
    pacer.stop()
  })

  it('of the author wait in a queue that is bounded as well', () => {
    const { socket, dropped, pacer } = setUp({ count: 1, perMs: 1_000 })
    for (let n = 0; n < 10_002; n++) socket.send(String(n))
    expect(dropped).toMatchObject([{ message: 'More than 10000 messages wait for their turn' }])
    pacer.stop()
  })

  it('in bulk do not overtake those of the author that wait', async () => {
    const { bulk, socket, texts, pacer } = setUp({ count: 1, perMs: 1_000 })
    socket.send('first')
    socket.send('beat')
    bulk('0')
    await vi.advanceTimersByTimeAsync(1_100)
    expect(texts()).toEqual(['first', 'beat'])
    await vi.advanceTimersByTimeAsync(1_100)
    expect(texts()).toEqual(['first', 'beat', '0'])
    pacer.stop()
  })

  it('are in bulk no longer than the call, be it that it throws', () => {
    const { pacer, bulk, socket, texts } = setUp({ count: 20, perMs: 60_000 })
    const fail = () => {
      throw new Error('of the author')
    }
    expect(() => pacer.inBulk(fail)).toThrow('of the author')
    bulk(...numbers(20))
    socket.send('beat')
    expect(texts().at(-1)).toBe('beat')
    pacer.stop()
  })

  it('that wait for a connection that has ended take no room on the next', () => {
    const { bulk, socket, log, pacer } = setUp({ count: 3, perMs: 1_000 })
    const other = socketOf(log)
    pacer.meter(other)
    other.send('0')
    bulk('1', '2', '3')
    socket.send('beat')
    expect([pacer.isHolding(socket), pacer.room]).toEqual([true, 0])
    socket.readyState = 3
    pacer.meter(socketOf(log))
    expect(pacer.isHolding(socket)).toBe(false)
    pacer.stop()
  })

  it('are told of with the room for more, when none waits', async () => {
    const { bulk, socket, rooms, pacer } = setUp({ count: 2, perMs: 1_000 })
    bulk(...numbers(4))
    await vi.advanceTimersByTimeAsync(1_100)
    expect([rooms, pacer.room]).toEqual([[], 0])
    await vi.advanceTimersByTimeAsync(1_100)
    expect([rooms, pacer.isHolding(socket)]).toEqual([[2], false])
    pacer.stop()
  })

  it('keep what they are sent with, and their socket', () => {
    const { pacer } = setUp({ count: 2, perMs: 1_000 })
    const calls: unknown[][] = []
    const socket = {
      readyState: 1,
      send(...args: unknown[]) {
        calls.push([this, ...args])
      },
    } as unknown as WebSocket
    pacer.meter(socket)
    const done = () => {}
    socket.send('text', { binary: false }, done)
    expect(calls).toEqual([[socket, 'text', { binary: false }, done]])
    pacer.stop()
  })

  it('that wait are gone when it is stopped', async () => {
    const { bulk, socket, texts, pacer } = setUp({ count: 1, perMs: 1_000 })
    bulk('0', '1')
    socket.send('beat')
    pacer.stop()
    expect([pacer.isHolding(socket), pacer.isHolding(undefined)]).toEqual([false, false])
    await vi.advanceTimersByTimeAsync(5_000)
    expect(texts()).toEqual(['0'])
  })

  it('go out together, in one write', async () => {
    const { bulk, socket, pacer } = setUp({ count: 2, perMs: 1_000 })
    const wire = { cork: vi.fn(), uncork: vi.fn() }
    const upgraded: ((response: object) => void)[] = []
    Object.assign(socket, { on: (_: string, listen: (response: object) => void) => upgraded.push(listen) })
    noteWire(socket)
    upgraded[0]!({ socket: wire })
    bulk(...numbers(4))
    await vi.advanceTimersByTimeAsync(1_100)
    expect([wire.cork.mock.calls.length, wire.uncork.mock.calls.length]).toEqual([1, 1])
    pacer.stop()
  })

  it('of the author have the whole of a window, and those in bulk their part of it, in each', async () => {
    const author = setUp({ count: 20, perMs: 60_000 })
    for (const name of numbers(30)) author.socket.send(name)
    expect(author.texts()).toHaveLength(20)
    author.pacer.stop()
    const { bulk, texts, pacer } = setUp({ count: 20, perMs: 60_000 })
    bulk(...numbers(60))
    await vi.advanceTimersByTimeAsync(62_000)
    expect(texts()).toHaveLength(36)
    pacer.stop()
  })

  it('that are sent while others go out wait behind those that wait', async () => {
    const { pacer, log, texts } = setUp({ count: 3, perMs: 1_000 })
    const socket = socketOf(log)
    const send = socket.send.bind(socket)
    let onSent = (_: string) => {}
    Object.assign(socket, {
      send: (text: string) => {
        send(text)
        onSent(text)
      },
    })
    pacer.meter(socket)
    for (const name of numbers(5)) socket.send(name)
    onSent = (text) => {
      if (text !== '3') return
      socket.send('late')
      pacer.inBulk(() => socket.send('bulk'))
    }
    await vi.advanceTimersByTimeAsync(2_200)
    expect(texts()).toEqual(['0', '1', '2', '3', '4', 'late', 'bulk'])
    pacer.stop()
  })

  it('on a double that has no state count like any', () => {
    const { pacer } = setUp({ count: 2, perMs: 1_000 })
    const sent: string[] = []
    const bare = { send: (text: string) => sent.push(text) } as unknown as WebSocket
    pacer.meter(bare)
    bare.send('0')
    expect([sent, pacer.room]).toEqual([['0'], 1])
    pacer.stop()
  })
})
