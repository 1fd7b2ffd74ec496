import { afterEach, describe, expect, it, vi } from 'vitest'
import { runUntilSettled, serve, viClock, wsProvider, type WsProvider } from '../../src/testing'
import { PATIENT } from '../helpers/eventually'
import { makeAcme } from './acme'

const ETH = { base: 'ETH', quote: 'USD' }

const serveAcme = (provider: WsProvider, env: Record<string, string> = {}, guardMs?: number) =>
  serve(makeAcme, { env: { WS_API_ENDPOINT: provider.url, ...env }, guardMs })

afterEach(() => {
  vi.useRealTimers()
})

describe('a served adapter', () => {
  it('subscribes at a scripted provider and answers with what that sent', async () => {
    await using provider = await wsProvider()
    await using service = await serveAcme(provider, PATIENT)
    const asked = service.post(ETH)
    const connection = await provider.connection()
    expect(await connection.nextJson()).toEqual({ op: 'subscribe', s: 'ETH/USD' })
    connection.send({ s: 'ETH/USD', p: 1800.5 })
    expect(await asked).toMatchObject({ statusCode: 200, json: { result: 1800.5, statusCode: 200 } })
  })

  it('takes another endpoint name and headers, and hands out bodies that are not JSON as text', async () => {
    await using provider = await wsProvider()
    await using service = await serveAcme(provider)
    expect(await service.post(ETH, { endpoint: 'nope' })).toMatchObject({
      statusCode: 404,
      json: { error: { message: 'Adapter does not have a "nope" endpoint.' } },
    })
    const reply = await service.post(ETH, { headers: { 'content-type': 'image/png' } })
    expect(reply).toEqual({ statusCode: 415, json: undefined, text: 'Unsupported Media Type' })
  })

  it('is asked again at each write of a feed, until the answer is what was waited for', async () => {
    await using provider = await wsProvider()
    provider.onMessage((_text, connection) => {
      for (const p of [1, 2, 3]) connection.send({ s: 'ETH/USD', p })
    })
    await using service = await serveAcme(provider)
    const seen: number[] = []
    const reply = await service.until(ETH, ({ json }) => seen.push(json.result) > 0 && json.result === 3)
    expect(reply.json.result).toBe(3)
    const later = service.until({ from: 'eth', to: 'usd' }, ({ json }) => json.result === 4, {
      endpoint: 'crypto',
    })
    const [connection] = provider.connections
    connection?.send({ s: 'ETH/USD', p: 4 })
    expect((await later).json.result).toBe(4)
  })

  it('says what the last answer was when the one that is waited for does not come', async () => {
    await using provider = await wsProvider()
    provider.onMessage((_text, connection) => connection.send({ s: 'ETH/USD', p: 1 }))
    await using service = await serveAcme(provider, PATIENT, 2_000)
    // From here on it is answered at once.
    expect((await service.post(ETH)).statusCode).toBe(200)
    await expect(service.until(ETH, () => false)).rejects.toThrow(
      /^Waited 2000 ms for an answer; the last one was 200 \{"result":1,/,
    )
    expect(service.adapter.dependencies.cache).toMatchObject({ waiters: { size: 0 } })
  })

  it('reads metrics by name and labels', async () => {
    await using provider = await wsProvider()
    await using service = await serveAcme(provider, { CACHE_POLLING_MAX_RETRIES: '0' })
    expect((await service.post(ETH)).statusCode).toBe(504)
    const labels = { app_name: 'ACME', status_code: '504' }
    expect(await service.metric('http_requests_total', labels)).toBe(1)
    expect(await service.metric('http_requests_total', { ...labels, status_code: '200' })).toBeUndefined()
  })

  it('answers over the network where asked to listen', async () => {
    await using provider = await wsProvider()
    await using service = await serve(makeAcme, { env: { WS_API_ENDPOINT: provider.url }, listen: true })
    const response = await fetch(`${service.url}/health`)
    expect(response.status).toBe(200)
  })

  it('works under a fake clock beside real sockets', async () => {
    await using provider = await wsProvider()
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
    const service = await serveAcme(provider)
    const clock = viClock(vi)
    const before = clock.now
    const reply = await runUntilSettled(clock, service.post(ETH))
    expect(reply.statusCode).toBe(504)
    expect(clock.now - before).toBeGreaterThanOrEqual(2_200)
    await runUntilSettled(clock, service.stop())
    expect(provider.openCount).toBe(0)
  })
})

describe('serving', () => {
  it('sets the environment for a given adapter too, and puts it back at the end', async () => {
    await using provider = await wsProvider()
    const adapter = makeAcme()
    const service = await serve(adapter, {
      env: { WS_API_ENDPOINT: provider.url, CACHE_MAX_AGE: '1234' },
    })
    expect(adapter.settings.CACHE_MAX_AGE).toBe(1234)
    expect(process.env['CACHE_MAX_AGE']).toBe('1234')
    await service.stop()
    expect(process.env['CACHE_MAX_AGE']).toBeUndefined()
  })

  it('puts the environment back when the adapter does not start', async () => {
    const env = { WS_API_ENDPOINT: '', CACHE_MAX_AGE: 'soon' }
    await expect(serve(makeAcme, { env })).rejects.toThrow('WS_API_ENDPOINT')
    expect(process.env['CACHE_MAX_AGE']).toBeUndefined()
  })

  it('closes its connections with code 1000 when it stops, as often as it is told to', async () => {
    await using provider = await wsProvider()
    const service = await serveAcme(provider, PATIENT)
    const asked = service.post(ETH)
    const connection = await provider.connection()
    connection.send({ s: 'ETH/USD', p: 1 })
    await asked
    await Promise.all([service.stop(), service.stop()])
    expect((await connection.closed).code).toBe(1000)
  })
})
