import { Agent } from 'node:https'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocketClassProvider } from '../../src/connections/class-provider'
import { reasonOf } from '../../src/connections/connection-error'
import { newSocket } from '../../src/connections/new-socket'
import { Prober } from '../../src/connections/probe'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { classOf } from '../../src/validation/reason'
import { connectProxy } from '../helpers/connect-proxy'
import { eventually, GUARD_MS } from '../helpers/eventually'
import { onlyProxies } from '../helpers/proxy-env'
import { selfSigned } from '../http/certificate'
import { call, listening, never, reading, silentLoggers } from './support'

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

const { key, cert } = selfSigned()
const trusting = { tls: { ca: cert } }

const reasonFor = async (attempt: Promise<unknown>) => {
  const error = await attempt.then(
    () => new Error('It did not fail'),
    (failure: unknown) => failure,
  )
  const { code, message } = reasonOf(error)!
  return { code, message, class: classOf({ code }) }
}

describe('a WebSocket through a proxy', () => {
  it('asks it for a way to the host, and is encrypted up to there', async () => {
    await using proxy = await connectProxy()
    await using server = await listening({ tls: { key, cert } })
    onlyProxies({ HTTPS_PROXY: proxy.url })
    const client = reading(await call(server.url, trusting))
    const accepted = await server.links.next()
    accepted.send('through')
    expect(await client.messages.next()).toBe('text through')
    expect(proxy.ways).toEqual([`127.0.0.1:${server.port}`])
  })

  it('leaves it to the proxy to find the host', async () => {
    await using proxy = await connectProxy()
    await using server = await listening({ tls: { key, cert } })
    onlyProxies({ ALL_PROXY: proxy.url })
    await call(`wss://nowhere.invalid:${server.port}/`, { tls: { ca: cert, servername: 'localhost' } })
    expect(proxy.ways).toEqual([`nowhere.invalid:${server.port}`])
  })

  it('goes there without TLS too', async () => {
    await using proxy = await connectProxy()
    await using server = await listening()
    onlyProxies({ http_proxy: proxy.url })
    const client = reading(await call(server.url))
    const accepted = await server.links.next()
    accepted.send('plain')
    expect(await client.messages.next()).toBe('text plain')
    expect(proxy.ways).toHaveLength(1)
  })

  it('shows its credential to the proxy', async () => {
    await using proxy = await connectProxy('user:p%40ss')
    await using server = await listening({ tls: { key, cert } })
    onlyProxies({ HTTPS_PROXY: proxy.url.replace('p%40ss', 'p%2540ss') })
    await call(server.url, trusting)
    expect(proxy.ways).toHaveLength(1)
  })

  it('goes directly where NO_PROXY names the host', async () => {
    await using proxy = await connectProxy()
    await using server = await listening({ tls: { key, cert } })
    onlyProxies({ HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' })
    await call(server.url, trusting)
    expect(proxy.ways).toEqual([])
  })

  it('refuses a certificate that nobody it trusts has signed', async () => {
    await using proxy = await connectProxy()
    await using server = await listening({ tls: { key, cert } })
    onlyProxies({ HTTPS_PROXY: proxy.url })
    expect((await reasonFor(call(server.url))).code).toBe('TLS_FAILED')
    expect(proxy.ways).toHaveLength(1)
  })

  it('refuses a certificate of another name', async () => {
    await using proxy = await connectProxy()
    await using server = await listening({ tls: { key, cert } })
    onlyProxies({ HTTPS_PROXY: proxy.url })
    const reason = await reasonFor(call(`wss://other.invalid:${server.port}/`, trusting))
    expect(reason.code).toBe('TLS_FAILED')
  })

  it.each([
    [407, 'PROXY_REFUSED', 'auth'],
    [502, 'PROXY_FAILED', 'network'],
    [403, 'PROXY_FAILED', 'network'],
    [302, 'PROXY_FAILED', 'network'],
  ] as const)('names the proxy that answers with %i, without its credential', async (status, code, kind) => {
    await using proxy = await connectProxy('user:s3cret')
    proxy.state.answer = status
    onlyProxies({ HTTPS_PROXY: proxy.url })
    const reason = await reasonFor(call('wss://provider.invalid/'))
    expect(reason).toMatchObject({ code, class: kind })
    expect(reason.message).toContain(`proxy ${proxy.url.replace('user:s3cret@', '')} `)
    expect(reason.message).toContain(`status ${status}`)
  })

  it('names a proxy that wants another credential', async () => {
    await using proxy = await connectProxy('user:s3cret')
    onlyProxies({ HTTPS_PROXY: proxy.url.replace('s3cret', 'wrong-one') })
    const reason = await reasonFor(call('wss://provider.invalid/'))
    expect(reason).toMatchObject({ code: 'PROXY_REFUSED', class: 'auth' })
    expect(reason.message).not.toContain('wrong-one')
  })

  it('names a proxy that is not there', async () => {
    const gone = await connectProxy()
    await gone[Symbol.asyncDispose]()
    onlyProxies({ HTTPS_PROXY: gone.url })
    const reason = await reasonFor(call('wss://provider.invalid/'))
    expect(reason).toMatchObject({ code: 'PROXY_FAILED', class: 'network' })
    expect(reason.message).toMatch(/The proxy \S+ could not be reached: connect ECONNREFUSED/)
  })

  it.each(['socks5://127.0.0.1:1080', 'http://:::', 'ftp://proxy.example'])(
    'does not go around a proxy that cannot be used: %s',
    async (proxy) => {
      await using server = await listening()
      onlyProxies({ ALL_PROXY: proxy })
      expect(await reasonFor(call(server.url))).toMatchObject({
        code: 'PROXY_FAILED',
        message: expect.stringContaining('cannot be used') as string,
      })
    },
  )

  it('refuses a proxy over TLS that nobody it trusts has signed', async () => {
    await using proxy = await listening({ tls: { key, cert } })
    onlyProxies({ HTTPS_PROXY: proxy.url.replace('wss:', 'https:') })
    expect((await reasonFor(call('wss://provider.invalid/'))).message).toMatch(
      /proxy.*self-signed certificate/,
    )
  })

  it('leaves nothing at a proxy that does not answer', async () => {
    await using proxy = await connectProxy()
    proxy.state.answer = 'silent'
    onlyProxies({ HTTPS_PROXY: proxy.url })
    // The proxy's own deadline never comes.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const stopping = new AbortController()
    const dialling = call('wss://provider.invalid/', {}, stopping.signal)
    const failed = expect(dialling).rejects.toThrow('The transport stopped')
    await eventually(() => expect(proxy.ways).toHaveLength(1))
    stopping.abort()
    await failed
    await eventually(() => expect(proxy.open).toBe(0))
  })

  it('is left to an author who has chosen the way', async () => {
    await using proxy = await connectProxy()
    await using server = await listening({ tls: { key, cert } })
    onlyProxies({ HTTPS_PROXY: proxy.url })
    const agent = new Agent({ ca: cert })
    const socket = newSocket(server.url, undefined, { agent })
    await server.links.next()
    expect(proxy.ways).toEqual([])
    socket.on('error', () => {}).terminate()
    agent.destroy()
  })

  it('gives a class of tests what it has always got', () => {
    onlyProxies({ ALL_PROXY: 'http://proxy.example' })
    const original = WebSocketClassProvider.get()
    const given: unknown[] = []
    WebSocketClassProvider.set(
      class {
        constructor(...of: unknown[]) {
          given.push(of)
        }
      } as never,
    )
    newSocket('wss://provider.example', undefined, undefined)
    WebSocketClassProvider.set(original)
    expect(given).toEqual([['wss://provider.example', undefined, undefined]])
  })
})

describe('a probe of a provider behind a proxy', () => {
  const probe = (url: string) => new Prober().reachable({ url, timeoutMs: GUARD_MS }, never)

  it('finds it through the proxy', async () => {
    await using proxy = await connectProxy()
    await using server = await listening()
    onlyProxies({ ALL_PROXY: proxy.url })
    await probe(`ws://nowhere.invalid:${server.port}/`)
    expect(proxy.ways).toEqual([`nowhere.invalid:${server.port}`])
    await eventually(() => expect(proxy.open).toBe(0))
  })

  it('fails where the proxy refuses', async () => {
    await using proxy = await connectProxy()
    proxy.state.answer = 502
    onlyProxies({ ALL_PROXY: proxy.url })
    expect((await reasonFor(probe('ws://nowhere.invalid/'))).code).toBe('PROXY_FAILED')
  })
})
