import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openTunnel, type ProxyError } from '../../src/util/tunnel'

afterEach(() => void vi.useRealTimers())

/** A proxy by hand, that answers with this text. */
const proxyThat = async (answer: (wire: Socket, request: string) => void) => {
  const server = createServer((wire) => {
    wire.on('error', () => {})
    wire.once('data', (request) => answer(wire, request.toString()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const tunnel = (proxy: string, host = 'provider.example') =>
  new Promise<Socket>((resolve, reject) =>
    openTunnel(proxy, { host, port: 443 }, (error, socket) =>
      socket === undefined ? reject(error!) : resolve(socket),
    ),
  )

const failureOf = (proxy: string): Promise<ProxyError> =>
  tunnel(proxy).then(
    () => {
      throw new Error('It opened')
    },
    (error: unknown) => error as ProxyError,
  )

describe('a way through a proxy', () => {
  it('is asked for by name, and an address of IPv6 in brackets', async () => {
    const asked: string[] = []
    const proxy = await proxyThat((wire, request) => {
      asked.push(request)
      wire.end('HTTP/1.1 200 OK\r\n\r\n')
    })
    for (const host of ['provider.example', '::1']) (await tunnel(proxy, host)).destroy()
    expect(asked).toEqual([
      'CONNECT provider.example:443 HTTP/1.1\r\nhost: provider.example:443\r\n\r\n',
      'CONNECT [::1]:443 HTTP/1.1\r\nhost: [::1]:443\r\n\r\n',
    ])
  })

  it('loses nothing that comes with the answer, in however many pieces that is', async () => {
    const proxy = await proxyThat((wire) => {
      const bytes = 'HTTP/1.0 200 Connection established\r\nvia: a proxy\r\n\r\nhello'
      wire.setNoDelay(true)
      for (const byte of bytes) wire.write(byte)
    })
    const socket = await tunnel(proxy)
    let heard = ''
    socket.on('data', (chunk: Buffer) => void (heard += chunk.toString()))
    await vi.waitUntil(() => heard === 'hello')
    socket.destroy()
  })

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /sent what is no answer/],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'x'.repeat(20_000)}`, /sent what is no answer/],
    ['an end', '', /closed the connection without an answer/],
  ])('is none where the proxy answers with %s', async (_what, answer, message) => {
    const closed: Promise<unknown>[] = []
    const proxy = await proxyThat((wire) => {
      closed.push(once(wire, 'close'))
      if (answer === '') wire.end()
      else wire.write(answer)
    })
    expect(await failureOf(proxy)).toMatchObject({
      code: 'PROXY_FAILED',
      message: expect.stringMatching(message) as string,
    })
    await Promise.all(closed)
  })

  it('is given up where the proxy does not answer, and nothing is left', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let close: Promise<unknown> | undefined
    const arrived = new Promise<void>((resolve) => {
      void proxyThat((wire) => {
        close = once(
          wire.on('end', () => wire.end()),
          'close',
        )
        resolve()
      }).then((proxy) => (failure = failureOf(proxy)))
    })
    let failure: Promise<ProxyError> | undefined
    await arrived
    vi.advanceTimersByTime(10_000)
    expect((await failure!).message).toMatch(/did not answer within 10000 ms/)
    await close
    expect(vi.getTimerCount()).toBe(0)
  })
})
