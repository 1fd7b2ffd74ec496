import { createServer } from 'node:https'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { outageOf } from '../../../src/transports/capabilities'
import { classOf } from '../../../src/validation/reason'
import { connectProxy } from '../../helpers/connect-proxy'
import { eventually } from '../../helpers/eventually'
import { onlyProxies } from '../../helpers/proxy-env'
import { selfSigned } from '../../http/certificate'
import { SseProvider } from './provider'
import { config, logged, start, type Running } from './support'

beforeEach(() => void (logged.length = 0))
afterEach(() => vi.unstubAllEnvs())

const ETH = { base: 'ETH' }

const outageAt = async (service: Running) => {
  await service.transport.want(ETH, 'eth')
  await eventually(() => expect(outageOf(service.transport)?.code).toMatch(/PROXY|TLS|FAILED/))
  return outageOf(service.transport)!
}

describe('a stream through a proxy', () => {
  it('goes the way that the proxy opens, and so do the requests beside it', async () => {
    await using provider = await SseProvider.start()
    await using proxy = await connectProxy('user:s3cret')
    onlyProxies({ HTTP_PROXY: proxy.url })
    const service = await start(config(provider.url.replace('127.0.0.1', 'nowhere.invalid')))
    const answer = service.until(ETH, ({ statusCode }) => statusCode === 200)
    const stream = await provider.connection(0)
    stream.event('tick', [{ base: 'ETH', price: 7 }])
    expect((await answer).json.result).toBe(7)
    const { host } = new URL(provider.url.replace('127.0.0.1', 'nowhere.invalid'))
    expect(proxy.ways).toEqual([host])
    await eventually(() => expect(proxy.requests).toContain(`http://${host}/subscribe`))
    await service.stop()
    await stream.gone
    await eventually(() => expect(proxy.open).toBe(0))
    expect(proxy.ways).toEqual([host])
  })

  it('goes directly where NO_PROXY names the host', async () => {
    await using provider = await SseProvider.start()
    await using proxy = await connectProxy()
    onlyProxies({ ALL_PROXY: proxy.url, NO_PROXY: 'localhost' })
    await using service = await start(config(provider.url))
    await service.transport.want(ETH, 'eth')
    await provider.connection(0)
    expect(proxy.ways).toEqual([])
  })

  it("is left to an author's fetch", async () => {
    await using provider = await SseProvider.start()
    await using proxy = await connectProxy()
    onlyProxies({ HTTP_PROXY: proxy.url })
    const { fetch } = globalThis
    const prepareSSEConnectionConfig = () => ({ url: provider.url, eventSourceInitDict: { fetch } })
    await using service = await start(config(provider.url, { prepareSSEConnectionConfig }))
    await service.transport.want(ETH, 'eth')
    await provider.connection(0)
    expect(proxy.ways).toEqual([])
  })

  it.each([
    [407, 'PROXY_REFUSED', 'auth'],
    [502, 'PROXY_FAILED', 'network'],
  ] as const)('names the proxy that answers with %i, without its credential', async (status, code, kind) => {
    await using proxy = await connectProxy('user:s3cret')
    proxy.state.answer = status
    onlyProxies({ HTTPS_PROXY: proxy.url })
    await using service = await start(config('https://provider.invalid'))
    const { message, ...outage } = await outageAt(service)
    expect(outage.code).toBe(code)
    expect(classOf(outage)).toBe(kind)
    expect(message).toContain(`The proxy ${proxy.url.replace('user:s3cret@', '')} `)
    expect(message).toContain(`status ${status}`)
    expect(JSON.stringify(logged)).not.toContain('s3cret')
  })

  it('does not open where nobody that it trusts has signed the certificate', async () => {
    await using proxy = await connectProxy()
    const server = createServer(selfSigned())
    let asked = 0
    server.on('request', () => void asked++).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    onlyProxies({ HTTPS_PROXY: proxy.url })
    {
      await using service = await start(config(`https://127.0.0.1:${port}`))
      expect((await outageAt(service)).code).toBe('CONNECTION_FAILED')
      expect(proxy.ways).not.toEqual([])
    }
    expect(asked).toBe(0)
    server.close()
    server.closeAllConnections()
  })
})
