import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type WsProvider, wsProvider } from '../../../src/testing/ws-provider'
import { eventually } from '../../helpers/eventually'
import { type Config, config, ETH, FAKED, logged, type Running, start, subscribe, tick } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

const LIFE_MS = 60_000

const passUntil = (check: () => unknown) =>
  eventually(async () => {
    await vi.advanceTimersByTimeAsync(50)
    await check()
  })

/** Lets time pass, and what it sets off happen in between. */
const pass = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += 50) {
    await vi.advanceTimersByTimeAsync(50)
    if (passed % 200 === 0) for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Issues tokens that its endpoint takes for a while, and closes connections with when it is over. */
const issuer = () => {
  const issued: string[] = []
  const state = { fails: undefined as Error | undefined }
  const fetch = () => {
    if (state.fails !== undefined) throw state.fails
    issued.push(`t${issued.length + 1}`)
    return { value: issued.at(-1)!, expiresInMs: LIFE_MS }
  }
  return Object.assign(state, { issued, fetch })
}

const startWith = (of: Config) =>
  start(of, {
    BACKGROUND_EXECUTE_MS_WS: '100',
    CACHE_POLLING_MAX_RETRIES: '0',
    WS_SUBSCRIPTION_TTL: '3600000',
    WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
  })

const subscribed = (provider: WsProvider, at: number) =>
  passUntil(() => expect(provider.connections[at]?.received).toContain(subscribe(ETH)[0]))

const isServed = (service: Running, price: number) =>
  passUntil(async () => expect((await service.post(ETH)).json.result).toBe(price))

const reasonOf = async (service: Running) =>
  ((await service.post(ETH)).json.error as { reason?: { code: string } } | undefined)?.reason?.code

describe('the credential of a transport', () => {
  it('CN-9: reaches the URL, the options and the open handler, and is renewed beside an open connection', async () => {
    await using provider = await wsProvider()
    const tokens = issuer()
    const of = config((_context, _desired, { credential }) => `${provider.url}/?token=${credential}`, {
      credential: tokens,
      // The feed is silent for long here, and would be tried on a second connection.
      singleConnection: true,
      options: (_context, _desired, parameters) => ({ headers: { 'x-token': parameters!.credential } }),
    })
    of.handlers.open = (socket, _context, parameters) => socket.send(`login ${parameters?.credential}`)
    await using service = await startWith(of)
    void service.post(ETH)
    await subscribed(provider, 0)
    const first = provider.connections[0]!
    expect([first.path, first.headers['x-token'], first.received[0]]).toEqual([
      '/?token=t1',
      't1',
      'login t1',
    ])
    await passUntil(() => expect(tokens.issued).toHaveLength(2))
    await pass(2_000)
    // The connection goes on with what it was opened with.
    expect(provider.connections).toHaveLength(1)
    first.close(1012)
    await subscribed(provider, 1)
    const [, second] = provider.connections
    expect(second!.path).toMatch(/token=t[23]/)
    expect(JSON.stringify(logged)).not.toContain('token=')
  })

  it('CN-9: is renewed once, on one new connection, when the provider closes over it', async () => {
    await using provider = await wsProvider()
    const tokens = issuer()
    const of = config(provider.url, {
      credential: { ...tokens, isAuthClose: ({ code }) => code === 4999 },
      options: (_context, _desired, parameters) => ({ headers: { 'x-token': parameters!.credential } }),
    })
    await using service = await startWith(of)
    void service.post(ETH)
    for (let n = 0; n < 3; n++) {
      await subscribed(provider, n)
      expect(provider.connections[n]!.headers['x-token']).toBe(`t${n + 1}`)
      provider.connections[n]!.send(tick(ETH, n + 1))
      await isServed(service, n + 1)
      provider.connections[n]!.close(4999, 'expired')
    }
    await subscribed(provider, 3)
    expect(tokens.issued).toEqual(['t1', 't2', 't3', 't4'])
    expect(provider.connections).toHaveLength(4)
  })

  it('CN-9: that is never taken is no loop: its clients are told so, and attempts are slow', async () => {
    await using provider = await wsProvider()
    provider.onConnection((connection) => connection.close(4401, 'who are you'))
    const tokens = issuer()
    await using service = await startWith(config(provider.url, { credential: tokens }))
    await service.post(ETH)
    await passUntil(() => expect(provider.connections.length).toBeGreaterThanOrEqual(2))
    await passUntil(async () => expect(await reasonOf(service)).toBe('CREDENTIAL_REFUSED'))
    await pass(60_000)
    expect(await reasonOf(service)).toMatch(/CREDENTIAL_REFUSED|CONNECTION_CLOSED/)
    expect(provider.connections.length).toBeLessThanOrEqual(6)
    expect(tokens.issued.length).toBeLessThanOrEqual(6)
  })

  it.each([401, 403])(
    'CN-9: is renewed once, before anything else, when a handshake is answered with %d',
    async (status) => {
      await using provider = await wsProvider()
      const tokens = issuer()
      await using service = await startWith(config(provider.url, { credential: tokens }))
      provider.refuse(status)
      void service.post(ETH)
      await passUntil(() => expect(tokens.issued).toHaveLength(2))
      await pass(4_000)
      expect(provider.handshakes).toBe(2)
      expect(tokens.issued).toHaveLength(2)
      provider.accept()
      await subscribed(provider, 0)
      expect(tokens.issued).toHaveLength(3)
    },
  )

  it('CN-9: that is refused is a reason of its own, and nothing is dialled in vain', async () => {
    await using provider = await wsProvider()
    const tokens = issuer()
    tokens.fails = Object.assign(new Error('bad key'), { response: { status: 403 } })
    await using service = await startWith(config(provider.url, { credential: tokens }))
    await service.post(ETH)
    await passUntil(async () => expect(await reasonOf(service)).toBe('CREDENTIAL_REFUSED'))
    await pass(5_000)
    expect(provider.handshakes).toBe(0)
    tokens.fails = undefined
    await subscribed(provider, 0)
  })

  it('CN-9: of an open connection may fail to be renewed, and the connection goes on', async () => {
    await using provider = await wsProvider()
    const tokens = issuer()
    await using service = await startWith(
      config(provider.url, { credential: tokens, singleConnection: true }),
    )
    void service.post(ETH)
    await subscribed(provider, 0)
    tokens.fails = new Error('down')
    await pass(2 * LIFE_MS)
    provider.connections[0]!.send(tick(ETH, 5))
    await isServed(service, 5)
    expect(provider.connections).toHaveLength(1)
    tokens.fails = undefined
    provider.connections[0]!.close(1012)
    await subscribed(provider, 1)
  })

  it('leaves no timer behind', async () => {
    await using provider = await wsProvider()
    const service = await startWith(config(provider.url, { credential: issuer() }))
    void service.post(ETH)
    await subscribed(provider, 0)
    await service.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
