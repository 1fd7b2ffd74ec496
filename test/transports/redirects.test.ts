import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { Agent } from 'node:https'
import { type AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { newSocket, type SocketOptions } from '../../src/connections/new-socket'
import { withSafeRedirects } from '../../src/outbound-http/redirects'
import { leavesOrigin, RedirectRefused } from '../../src/util/redirects'
import { connectProxy } from '../helpers/connect-proxy'
import { onlyProxies } from '../helpers/proxy-env'
import { httpProvider } from './http/support'
import { SseProvider } from './sse/provider'
import { config as sseConfig, start as startSse } from './sse/support'
import { config as wsConfig, ETH, start as startWs, tick } from './websocket/support'

const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0', RETRY: '0' }
const KEY = 'k3y-of-ours'

/** A WebSocket server that sends a price to everybody, and keeps with what headers it was asked. */
const prices = async () => {
  const got: IncomingMessage['headers'][] = []
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, { headers }) => {
    got.push(headers)
    socket.on('message', () => socket.send(JSON.stringify(tick(ETH, 5))))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    got,
    port,
    at: (scheme: string) => `${scheme}://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Redirects everything: `/` to itself once, all else to another place. */
const redirecting = (to: string, status = 307) =>
  httpProvider((path) => ({ status, headers: { location: path === '/' ? '/again' : to } }))

/** Opens a socket; resolves with why it did not, or undefined. */
const opened = (url: string, options: SocketOptions): Promise<Error | undefined> =>
  new Promise((resolve) => {
    const socket = newSocket(url, undefined, options)
    socket.on('open', () => {
      socket.terminate()
      resolve(undefined)
    })
    socket.on('error', resolve)
  })

afterEach(() => vi.unstubAllEnvs())

describe('SC-6: a redirect of a WebSocket', () => {
  it('is followed to an origin that is declared, and its values are served', async () => {
    await using other = await prices()
    await using first = await redirecting(`${other.at('http')}/there`)
    const options = () => ({ headers: { 'x-api-key': KEY }, redirectOrigins: [other.at('ws')] })
    await using service = await startWs(wsConfig(first.url.replace('http', 'ws'), { options }), AT_ONCE)
    await service.post(ETH)
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(first.asked.map(({ path, headers }) => [path, headers['x-api-key']])).toEqual([
      ['/', KEY],
      ['/again', KEY],
    ])
    expect(JSON.stringify(other.got)).not.toContain(KEY)
  })

  it('takes no header there that may be a credential, whatever it is called and whoever adds it', async () => {
    await using other = await prices()
    const name = fc
      .stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
      .filter(
        (text) =>
          !/^(accept|host$|connection$|content-|user-agent$|cache-control$|transfer-encoding$|te$|trailer$|upgrade$|expect$|keep-alive$|sec-websocket)/.test(
            text,
          ),
      )
    const given = fc.record({
      names: fc.uniqueArray(
        fc.oneof(
          fc.constantFrom('authorization', 'cookie', 'origin', 'Host', 'sec-websocket-protocol'),
          name,
        ),
        { minLength: 1, maxLength: 5, selector: (text) => text.toLowerCase() },
      ),
      isBasic: fc.boolean(),
      user: fc.constantFrom('', `me:${KEY}@`),
      finishes: fc.boolean(),
      scheme: fc.constantFrom('ws', 'http'),
    })
    await fc.assert(
      fc.asyncProperty(given, async ({ names, isBasic, user, finishes, scheme }) => {
        await using first = await redirecting(other.at(scheme))
        other.got.length = 0
        const failed = await opened(first.url.replace('http://', `ws://${user}`), {
          headers: Object.fromEntries(names.map((one) => [one, KEY])),
          redirectOrigins: [other.at(scheme)],
          ...(isBasic && { auth: `me:${KEY}` }),
          ...(finishes && {
            finishRequest: (request) => {
              request.setHeader('x-signature', KEY)
              request.end()
            },
          }),
        })
        expect(failed).toBeUndefined()
        const secrets = [KEY, Buffer.from(`me:${KEY}`).toString('base64')]
        for (const secret of secrets) expect(JSON.stringify(other.got)).not.toContain(secret)
        expect(other.got).toMatchObject([{ host: `127.0.0.1:${other.port}`, upgrade: 'websocket' }])
        expect(first.asked[1]?.headers[names[0]!.toLowerCase()]).toBeDefined()
      }),
      { numRuns: 40 },
    )
  })

  it.each([
    ['none', undefined],
    ['another one', ['http://127.0.0.1:1', 'nonsense', 'wss://example.com']],
  ])('is not followed where %s is declared', async (_, redirectOrigins) => {
    await using other = await prices()
    await using first = await redirecting(other.at('ws'))
    const options = { followRedirects: true, ...(redirectOrigins && { redirectOrigins }) }
    const failed = await opened(first.url.replace('http', 'ws'), options)
    expect(failed).toBeInstanceOf(RedirectRefused)
    expect(failed?.message).toContain(`${other.at('http')} is none of the origins`)
    expect(other.got).toEqual([])
  })

  it('does not take a certificate of ours along, nor one of an agent', async () => {
    await using other = await prices()
    await using first = await redirecting(other.at('ws'))
    const redirectOrigins = [other.at('ws')]
    const url = first.url.replace('http', 'ws')
    const agent = Object.assign(new Agent({ pfx: 'ours' }), { protocol: 'http:', defaultPort: 80 })
    for (const ours of [{ cert: 'ours', key: 'ours' }, { pfx: 'ours' }]) {
      const failed = await opened(url, { redirectOrigins, ...ours })
      expect(failed?.message).toContain('would take the certificate along')
    }
    const { httpsAgent } = { httpsAgent: agent }
    const { beforeRedirect } = withSafeRedirects({ httpsAgent, redirectOrigins })
    const follow = () =>
      beforeRedirect!(
        { href: `${other.at('http')}/`, method: 'GET', headers: {} },
        { headers: {}, statusCode: 302 },
        { url: first.url, method: 'GET', headers: {} },
      )
    expect(follow).toThrow('would take the certificate along')
    expect(other.got).toEqual([])
  })

  it('is followed through a proxy, too', async () => {
    await using proxy = await connectProxy()
    await using other = await prices()
    await using first = await redirecting(other.at('ws'))
    onlyProxies({ HTTP_PROXY: proxy.url })
    const redirectOrigins = [other.at('ws')]
    expect(await opened(first.url.replace('http', 'ws'), { redirectOrigins })).toBeUndefined()
    const { host } = new URL(first.url)
    expect(proxy.ways).toEqual([host, host, `127.0.0.1:${other.port}`])
  })
})

describe('SC-6: a redirect of a stream', () => {
  it('is followed to an origin that is declared, without the fetch of its author, and its events are served', async () => {
    await using other = await SseProvider.start()
    await using first = await redirecting(`${other.url}/there`)
    const sent: string[] = []
    const withKey: typeof fetch = (url, init) => {
      sent.push(url as string)
      return fetch(url, { ...init, headers: { ...init?.headers, 'x-api-key': KEY } })
    }
    const prepareSSEConnectionConfig = () => ({
      url: `${first.url}/`,
      redirectOrigins: [other.url],
      eventSourceInitDict: { fetch: withKey as never },
    })
    await using service = await startSse({ ...sseConfig(other.url), prepareSSEConnectionConfig }, AT_ONCE)
    await service.post(ETH)
    const stream = await other.connection(0)
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until({ base: 'ETH' }, ({ json }) => json.result === 5)
    expect(stream.url).toBe('/there')
    expect(first.asked.map(({ path, headers }) => [path, headers['x-api-key']])).toEqual([
      ['/', KEY],
      ['/again', KEY],
    ])
    expect(sent).toEqual([`${first.url}/`, `${first.url}/again`])
  })
})

describe('SC-6: which redirects leave', () => {
  it('are those to another scheme, host or port, and back again only where that is declared', () => {
    const declared = { redirectOrigins: ['https://b.example:443/'] }
    expect(leavesOrigin('wss://a.example/x', 'https://a.example/y', {})).toBe(false)
    expect(leavesOrigin('wss://a.example/x', 'wss://b.example/y', declared)).toBe(true)
    expect(leavesOrigin('https://b.example/', 'https://b.example/y', declared)).toBe(false)
    for (const url of [
      'wss://a.example/',
      'ws://b.example/',
      'https://b.example:8443/',
      'https://c.example/',
    ])
      expect(() => leavesOrigin('https://b.example/', url, declared)).toThrow(RedirectRefused)
  })
})
