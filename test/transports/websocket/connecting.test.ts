import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type WebSocket from 'ws'
import { wsProvider } from '../../../src/testing/ws-provider'
import { eventually } from '../../helpers/eventually'
import { refusingHost } from '../../helpers/two-addresses'
import { config, ETH, FAKED, linesAt, logged, type Running, start, subscribe, tick } from './support'

beforeEach(() => {
  logged.length = 0
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** For clients that are told at once what there is. */
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }

/** Asks until the reason why there is no value is as expected, and returns that answer. */
const refusal = (service: Running, code: string) =>
  eventually(async () => {
    const reply = await service.post(ETH)
    expect(reply.statusCode).toBe(504)
    expect(reply.json.error.reason).toMatchObject({ code })
    return reply
  })

describe('connecting', () => {
  // Naive: an error before "open" is only logged, so the attempt lasts until its timeout and the client learns nothing.
  it('notices a refused connection at once, names it to the client, and tries again long before the timeout', async () => {
    await using provider = await wsProvider()
    await provider.stop()
    await using service = await start(config(provider.url), {
      ...AT_ONCE,
      WS_CONNECTION_OPEN_TIMEOUT: '30000',
      STREAM_HANDLER_RETRY_EXP_FACTOR: '1',
    })
    // That is longer than anything here is waited for.
    await refusal(service, 'CONNECTION_REFUSED')
    await provider.restart()
    const connection = await provider.connection()
    expect(await connection.next()).toBe('+ETH/USD')
    connection.send(tick(ETH, 7))
    await service.until(ETH, ({ json }) => json.result === 7)
  })

  // The AggregateError that Node makes of several addresses says nothing of its own.
  it('names each address of a host that refuses at all of them', async () => {
    const { host, parts } = await refusingHost()
    await using service = await start(config(`ws://${host}/`), AT_ONCE)
    const { json } = await refusal(service, 'CONNECTION_REFUSED')
    expect(json.error.reason).toMatchObject({ message: `Could not connect: ${parts}` })
    expect(linesAt('warn')[0]).toBe(`WebSocket error: ${parts}`)
    // The line above has said it already: what follows from it is for those who look closer.
    expect(linesAt('error')).toEqual([])
    expect(linesAt('debug').join('\n')).toContain(`Could not connect: ${parts}`)
  })

  it('names a handshake that was answered with an HTTP error', async () => {
    await using provider = await wsProvider()
    provider.refuse(403)
    await using service = await start(config(provider.url), AT_ONCE)
    await refusal(service, 'HANDSHAKE_REFUSED')
  })

  // Naive: what was noted while the connection was open goes when the next one opens, and not before.
  it('names a URL that could not be determined, on an open connection too, until it can', async () => {
    await using provider = await wsProvider()
    let isFailing = false
    const of = config(() => {
      if (isFailing) throw new Error('no directory')
      return provider.url
    })
    await using service = await start(of, { ...AT_ONCE, BACKGROUND_EXECUTE_MS_WS: '10' })
    await service.post(ETH)
    await (await provider.connection()).next()
    isFailing = true
    const { json } = await refusal(service, 'URL_FAILED')
    expect(json.error.reason).toMatchObject({
      message: 'The URL could not be determined: Error: no directory',
    })
    isFailing = false
    await eventually(async () => {
      const { error } = (await service.post(ETH)).json as { error: { reason?: { code: string } } }
      expect(error.reason?.code).toBe('NO_DATA')
    })
    expect(provider.connections).toHaveLength(1)
  })

  it('names a URL that is none without quoting it, for it may hold a secret', async () => {
    await using service = await start(config('wss//provider.example?key=hunter2'), AT_ONCE)
    const { text } = await refusal(service, 'URL_FAILED')
    expect(text).not.toContain('hunter2')
  })

  // Naive: the socket that loses the race against its timeout is left alone, one more with every attempt.
  it('CN-6: destroys the socket of an attempt that timed out', async () => {
    const server = createServer()
    const open = new Set<Socket>()
    let mostOpen = 0
    server.on('connection', (socket) => {
      open.add(socket)
      mostOpen = Math.max(mostOpen, open.size)
      socket.resume()
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    {
      await using service = await start(config(url), {
        ...AT_ONCE,
        WS_CONNECTION_OPEN_TIMEOUT: '500',
        // So long that the end of the one is seen here before the beginning of the next.
        STREAM_HANDLER_RETRY_MIN_MS: '1000',
      })
      expect((await service.post(ETH)).statusCode).toBe(504)
      const [first] = (await once(server, 'connection')) as [Socket]
      if (!first.destroyed) await once(first, 'close')
      const [second] = (await once(server, 'connection')) as [Socket]
      if (!second.destroyed) await once(second, 'close')
      await refusal(service, 'CONNECTION_TIMEOUT')
      expect(mostOpen).toBe(1)
      expect(linesAt('error')[0]).toContain('The promise "WS Open Handler" took longer than 500 ms')
    }
    await new Promise((resolve) => server.close(resolve))
  })

  // Naive: listeners for messages go on after the wait for "open" and the open handler; what came before is gone.
  it('CN-4: loses no message that was sent in the packet of the handshake', async () => {
    await using provider = await wsProvider({ sendWithHandshake: [tick(ETH, 1), tick(ETH, 2)] })
    await using service = await start(config(provider.url))
    await service.until(ETH, ({ json }) => json.result === 2)
    expect(await (await provider.connection()).next()).toBe('+ETH/USD')
  })

  it('CN-4: loses no such message while an open handler is at work, which does not listen', async () => {
    await using provider = await wsProvider({ sendWithHandshake: [tick(ETH, 1)] })
    let finishOpening = () => {}
    const opening = new Promise<void>((resolve) => (finishOpening = resolve))
    const of = config(provider.url)
    of.handlers.open = () => opening
    await using service = await start(of)
    const asked = service.post(ETH)
    const connection = await provider.connection()
    connection.ping()
    // The pong comes after the tick has been read, and the open handler is still at work.
    await connection.nextPong()
    finishOpening()
    expect((await asked).json.result).toBe(1)
  })
})

describe('an open handler', () => {
  const login = (socket: WebSocket) =>
    new Promise<void>((resolve, reject) => {
      socket.addEventListener('message', ({ data }) => {
        const { auth } = JSON.parse(data as string) as { auth: string }
        if (auth === 'ok') resolve()
        else reject(new Error(`login ${auth}`))
      })
      socket.send('login')
    })

  it('talks with the provider before anything is subscribed, and its listeners are gone afterwards', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const sockets: WebSocket[] = []
    of.handlers.open = (socket) => {
      sockets.push(socket)
      return login(socket)
    }
    await using service = await start(of)
    const asked = service.post(ETH)
    const connection = await provider.connection()
    expect(await connection.next()).toBe('login')
    connection.ping()
    await connection.nextPong()
    expect(connection.received).toEqual(['login'])
    connection.send({ auth: 'ok' })
    expect(await connection.next()).toBe(subscribe(ETH)[0])
    connection.send(tick(ETH, 3))
    expect((await asked).json.result).toBe(3)
    // The login's listener would have rejected, and parsed the tick in vain; the stream's own is the only one left.
    expect(sockets[0]?.listenerCount('message')).toBe(1)
    expect(linesAt('warn', 'error')).toEqual([])
  })

  it('that rejects means no connection: nothing is sent, the socket goes, the cause is logged, and the stream backs off', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    of.handlers.open = login
    await using service = await start(of, AT_ONCE)
    await service.post(ETH)
    const connection = await provider.connection(0)
    await connection.next()
    connection.send({ auth: 'denied' })
    await connection.closed
    expect(connection.received).toEqual(['login'])
    expect(linesAt('error')[0]).toContain('The open handler failed: login denied')
    expect(linesAt('info')).toEqual([])
    expect(linesAt('debug').join('\n')).toContain('Waiting up to 100 ms before attempt 2')
    await refusal(service, 'OPEN_HANDLER_FAILED')
    const next = await provider.connection(1)
    await next.next()
    next.send({ auth: 'ok' })
    expect(await next.next()).toBe('+ETH/USD')
  })

  it('that never ends is given up after the time for opening', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    of.handlers.open = () => new Promise<void>(() => {})
    await using service = await start(of, { ...AT_ONCE, WS_CONNECTION_OPEN_TIMEOUT: '500' })
    await service.post(ETH)
    await (
      await provider.connection(0)
    ).closed
    await refusal(service, 'CONNECTION_TIMEOUT')
  })

  // Naive (ours, once): the next pass opens a second socket beside the first, which then nobody closes.
  it('CN-6: that outlives the time of a background run is waited for by the next run, on the one connection', async () => {
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    const of = config(provider.url)
    let finishOpening = () => {}
    of.handlers.open = () => new Promise<void>((resolve) => (finishOpening = resolve))
    await using service = await start(of, {
      BACKGROUND_EXECUTE_TIMEOUT: '1000',
      WS_CONNECTION_OPEN_TIMEOUT: '30000',
    })
    void service.post(ETH)
    const connection = await provider.connection()
    await vi.advanceTimersByTimeAsync(9_000)
    expect(linesAt('error').some((text) => text.includes('A run was given up'))).toBe(true)
    finishOpening()
    expect(await connection.next()).toBe('+ETH/USD')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(connection.received).toEqual(['+ETH/USD'])
    expect(provider.handshakes).toBe(1)
  })

  it('may fail in what comes right after it: the attempt ends at once instead of hanging', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    of.handlers.open = () => Promise.resolve()
    await using service = await start(of)
    const { transport } = service
    const startHeartbeat = transport.startHeartbeat.bind(transport)
    transport.startHeartbeat = () => {
      transport.startHeartbeat = startHeartbeat
      throw new Error(`a startHeartbeat of the author's own`)
    }
    const asked = service.post(ETH)
    await (
      await provider.connection(0)
    ).closed
    expect(linesAt('error')[0]).toContain(`a startHeartbeat of the author's own`)
    const connection = await provider.connection(1)
    await connection.next()
    connection.send(tick(ETH))
    expect((await asked).statusCode).toBe(200)
    expect(await service.metric('ws_connection_active')).toBe(1)
  })
})

describe('options', () => {
  it('are asked right before connecting only, may come later, and reach the provider', async () => {
    await using provider = await wsProvider()
    const asked: string[][] = []
    await using service = await start(
      config(provider.url, {
        options: async (_context, desired) => {
          asked.push(subscribe(...desired))
          await new Promise((resolve) => setImmediate(resolve))
          return { headers: { 'x-api-key': 'k1' } }
        },
      }),
      { BACKGROUND_EXECUTE_MS_WS: '1' },
    )
    const first = service.post(ETH)
    const connection = await provider.connection(0)
    expect(connection.headers['x-api-key']).toBe('k1')
    connection.send(tick(ETH))
    await first
    expect(asked).toEqual([['+ETH/USD']])
    connection.close(1000)
    await provider.connection(1)
    expect(asked).toHaveLength(2)
  })

  // Naive: the old connection is gone, what was subscribed on it still counts as subscribed, and no pass ever connects again.
  it('that fail once after a change of URL do not end the stream', async () => {
    await using provider = await wsProvider()
    let path = '/a'
    let fails = false
    await using service = await start(
      config(() => provider.url + path, {
        options: () => {
          if (!fails) return {}
          fails = false
          throw new Error('no token')
        },
      }),
      { BACKGROUND_EXECUTE_MS_WS: '10' },
    )
    void service.post(ETH)
    await (await provider.connection(0)).next()
    fails = true
    path = '/b'
    const connection = await provider.connection(1)
    expect(connection.path).toBe('/b')
    expect(await connection.next()).toBe('+ETH/USD')
    expect(linesAt('error')[0]).toContain('no token')
  })
})
