import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { isProxySet, proxyFor } from '../../src/config/outbound-proxy'
import { redactText } from '../../src/util/redaction'
import { onlyProxies } from '../helpers/proxy-env'

afterEach(() => vi.unstubAllEnvs())

const PROXY = 'http://proxy.example:3128'

describe('the proxy of an outbound connection', () => {
  it('is none while no variable names one', () => {
    onlyProxies({ NO_PROXY: 'a.example' })
    expect([isProxySet(), proxyFor('https://a.example')]).toEqual([false, undefined])
  })

  it.each([
    ['HTTPS_PROXY', 'https://a.example/x?y', PROXY],
    ['HTTPS_PROXY', 'wss://a.example/x?y', PROXY],
    ['HTTPS_PROXY', 'http://a.example', undefined],
    ['HTTPS_PROXY', 'ws://a.example', undefined],
    ['https_proxy', 'WSS://a.example', PROXY],
    ['HTTP_PROXY', 'ws://a.example', PROXY],
    ['HTTP_PROXY', 'http://a.example', PROXY],
    ['HTTP_PROXY', 'wss://a.example', undefined],
    ['ALL_PROXY', 'wss://a.example', PROXY],
    ['ALL_PROXY', 'http://127.0.0.1', PROXY],
    ['all_proxy', 'ws://localhost:8080', PROXY],
    ['ALL_PROXY', 'no url', undefined],
  ])('by %s for %s is %s', (name, url, proxy) => {
    onlyProxies({ [name]: PROXY })
    expect(proxyFor(url)).toBe(proxy)
  })

  it('is that of the lower-case variable, and of the scheme before that for all', () => {
    onlyProxies({ HTTPS_PROXY: 'http://upper.example', https_proxy: PROXY, ALL_PROXY: 'http://all.example' })
    expect(proxyFor('wss://a.example')).toBe(PROXY)
    expect(proxyFor('ws://a.example')).toBe('http://all.example')
  })

  it.each([
    ['a.example', 'wss://a.example', false],
    ['a.example', 'wss://b.a.example', true],
    ['.a.example', 'wss://b.a.example', false],
    ['*.a.example', 'https://b.a.example', false],
    ['x.example, a.example', 'wss://a.example', false],
    ['x.example a.example', 'wss://a.example', false],
    ['A.EXAMPLE', 'wss://a.example', false],
    ['a.example:443', 'wss://a.example', false],
    ['a.example:80', 'ws://a.example', false],
    ['a.example:8443', 'wss://a.example', true],
    ['*', 'wss://a.example', false],
    ['localhost', 'ws://127.0.0.1:8080', false],
    ['127.0.0.1', 'http://[::1]:8080', false],
    ['::1', 'http://[::1]:8080', false],
    ['10.0.0.0/8', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://11.1.2.3', true],
    ['10.0.0.0/99', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://a.example', true],
    ['fd00::/8', 'https://[fd00::1]', false],
  ])('with NO_PROXY=%s for %s: %s', (noProxy, url, isProxied) => {
    onlyProxies({ ALL_PROXY: PROXY, NO_PROXY: noProxy })
    expect(proxyFor(url)).toBe(isProxied ? PROXY : undefined)
  })
})

describe('the credential of a proxy', () => {
  it('is a secret in all its forms', () => {
    onlyProxies({
      HTTPS_PROXY: 'http://account-17:p%40ss%2Fw0rd@proxy.example',
      all_proxy: 'short:0ther-s3cret@proxy.example:3128',
    })
    const config = new AdapterConfig({})
    config.initialize()
    config.buildCensorList('the test')
    const header = Buffer.from('account-17:p@ss/w0rd').toString('base64')
    const text = `p@ss/w0rd p%40ss%2Fw0rd account-17 Basic ${header} 0ther-s3cret, a short text`
    const shown = redactText(text)
    for (const secret of ['w0rd', 'account', header, 'c2Nw', '0ther']) expect(shown).not.toContain(secret)
    expect(shown).toContain('[HTTPS_PROXY REDACTED]')
    expect(shown).toContain('a short text')
  })
})
