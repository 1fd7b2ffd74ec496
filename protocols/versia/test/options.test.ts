import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/config/config-error'
import { checkOptions, type VersiaOptions } from '../options'
import { parseSigners } from '../signers'
import { serveVersia } from './support'
import { badKeys, key, PRICE_TYPE, trustedKeys } from './vectors'

const good: VersiaOptions = {
  connect: { url: 'wss://feeds.example/ws' },
  signers: trustedKeys('0.6'),
  priceType: PRICE_TYPE,
}

const problemsOf = (options: Partial<VersiaOptions>): readonly string[] => {
  try {
    checkOptions({ ...good, ...options })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

const spki = key('feed-instance').public_spki_base64

describe('the options of a source', () => {
  it('are fine as they should be, with the path of each version', () => {
    expect(checkOptions(good)).toMatchObject({ version: '0.6', path: '/.versia/v0.6/inbox' })
    const signers = trustedKeys('0.5')
    expect(checkOptions({ ...good, signers, version: '0.5' })).toMatchObject({ path: '/inbox' })
    expect(checkOptions({ ...good, signaturePath: '/users/1/inbox' })).toMatchObject({
      path: '/users/1/inbox',
    })
  })

  it.each<[string, Partial<VersiaOptions>, RegExp]>([
    ['no signer', { signers: {} }, /no signer is listed/],
    ['a signer without a key', { signers: { 'feeds.example': [] } }, /has no key/],
    ['three keys', { signers: { 'feeds.example': [spki, spki, spki] } }, /more than 2 keys/],
    [
      'one key under two names',
      { signers: { 'a.example': [spki], 'b.example': [spki] } },
      /listed under a.example/,
    ],
    [
      'a name of another version',
      { version: '0.5' },
      /"feeds.example" is not the name of a signer in version 0.5/,
    ],
    ['a name with a port', { signers: { 'feeds.example:443': [spki] } }, /not the name of a signer/],
    ['a version that is none', { version: '0.7' as '0.6' }, /no version "0.7"/],
    ['a path with a query', { signaturePath: '/inbox?a=b' }, /not the path/],
    ['a path without a slash', { signaturePath: 'inbox' }, /not the path/],
    [
      'a price type of Versia itself',
      { priceType: 'pub.versia:price_feeds/Price' },
      /not the type of a custom entity/,
    ],
    [
      'a price type without an entity',
      { priceType: 'org.example:price_feeds' },
      /not the type of a custom entity/,
    ],
    ['nowhere to get messages from', { connect: undefined }, /neither a URL/],
    [
      'a URL that is none',
      { connect: { url: 'feeds secret' } },
      /^Versia: the URL to connect to is not one$/,
    ],
    ['a URL of HTTP', { connect: { url: 'https://feeds.example' } }, /neither wss: nor ws:/],
    [
      'ws: to another machine',
      { connect: { url: 'ws://feeds.example' }, allowLoopback: true },
      /for this machine alone/,
    ],
    ['ws: that is not allowed', { connect: { url: 'ws://127.0.0.1:1' } }, /only where that is allowed/],
    ['half a certificate', { connect: { url: 'wss://feeds.example', tls: { cert: 'x' } } }, /takes both/],
    ['half a listener', { listen: { host: '::', port: 0, tls: { cert: 'x', key: '' } } }, /takes both/],
    [
      'a name without a key of our own',
      { connect: { url: 'wss://feeds.example', instance: { signedBy: 'receiver.example', privateKey: '' } } },
      /key of our own instance/,
    ],
  ])('are refused with %s', (_name, options, problem) => {
    expect(problemsOf(options).join('\n')).toMatch(problem)
  })

  it('name every problem at once', () => {
    expect(problemsOf({ signers: {}, priceType: 'x', signaturePath: '' })).toHaveLength(3)
  })

  it.each([
    ...badKeys.small_order.map(
      (one) => [`of small order ${one.raw_hex.slice(0, 8)}`, one.public_spki_base64] as const,
    ),
    ...badKeys.malformed.filter((one) => one.key !== '').map((one) => [one.why, one.key] as const),
  ])('are refused at the start with a key: %s', async (_why, text) => {
    const start = serveVersia({
      listen: { host: '127.0.0.1', port: 0 },
      signers: { 'feeds.example': [text] },
    })
    await expect(start).rejects.toThrow(/a key of feeds.example is (a key of small order|not)/)
    await expect(start).rejects.not.toThrow(text)
  })

  it('allow ws: to this machine where it is said', () => {
    for (const url of ['ws://127.0.0.1:1/', 'ws://localhost:1', 'ws://[::1]:1'])
      expect(problemsOf({ connect: { url }, allowLoopback: true })).toEqual([])
  })
})

describe('signers in a setting', () => {
  it('are a list, or JSON, with one key or two or none', () => {
    const expected = { 'a.example': ['k1=', 'k2='], 'instance b.example': ['k3='], 'c.example': [] }
    expect(parseSigners('a.example=k1=, instance b.example = k3=\na.example=k2=,c.example,')).toEqual(
      expected,
    )
    const json = { 'a.example': ['k1=', 'k2='], 'instance b.example': 'k3=', 'c.example': '' }
    expect(parseSigners(` ${JSON.stringify(json)} `)).toEqual(expected)
    expect(parseSigners('')).toEqual({})
  })

  it.each(['{', '{"a":1}', '{"a":["k",null]}'])('are refused as %s', (text) => {
    expect(() => parseSigners(text)).toThrow(Error)
  })
})
