import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { beginningOf, CensorList, redactText, secretEntry } from '../../src/util/redaction'
import { awkwardSecret, encodings } from './secrets'

afterEach(() => CensorList.set([]))

const hide = (secret: string, name = 'API_KEY'): void => CensorList.set([secretEntry(name, secret)])

const MASK = '[API_KEY REDACTED]'

/** As keys of providers are, and as random: those that fast-check makes smaller are no keys any more. */
const key = fc
  .tuple(fc.constantFrom('base64url', 'hex', 'uuid'), fc.nat(), fc.integer({ min: 20, max: 32 }))
  .map(([kind, seed, length]) => {
    const hash = createHash('sha256').update(`${seed}`).digest()
    if (kind === 'base64url') return hash.toString('base64url').slice(0, length)
    const hex = hash.toString('hex').slice(0, 32)
    return kind === 'hex' ? hex : hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  })

/** Words, a number, or both as in the name of a version; and what is made of no more than three signs. */
const mayBeThereByChance = (part: string): boolean =>
  !/\d/.test(part) ||
  !/[a-z]/i.test(part) ||
  /^\d{0,2}([-_a-z]{6,}|[-_A-Z]{6,})\d{0,2}$/.test(part) ||
  new Set(part).size < 4

/** The parts of eight characters that are in the text and tell something. */
const shownParts = (secret: string, text: string): string[] =>
  Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8)).filter(
    (part) => text.includes(part) && !mayBeThereByChance(part),
  )

describe('SC-1: a part of a secret', () => {
  it('is found where eight characters of it or more are shown, in every usual encoding', () => {
    const property = fc.property(key, fc.nat(), fc.nat(), (secret, a, b) => {
      hide(secret)
      const from = a % (secret.length - 12)
      const part = secret.slice(from, from + 12 + (b % (secret.length - from - 11)))
      for (const [encoding, form] of Object.entries(encodings(part))) {
        if (/hex|base64/i.test(encoding)) continue
        const redacted = redactText(`no access for "${form}", sorry`)
        expect(shownParts(secret, redacted), encoding).toEqual([])
      }
    })
    fc.assert(property, { numRuns: 200 })
  })

  it('is found where an encoding of the whole was cut', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 12, max: 20 }), (secret, length) => {
        hide(secret)
        for (const form of Object.values(encodings(secret)))
          expect(shownParts(form, redactText(`... ${form.slice(0, length)}`))).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('is found in a secret of any signs, from its beginning and from its end', () => {
    fc.assert(
      fc.property(awkwardSecret, (middle) => {
        const secret = `k7Qp2Zm9${middle}x4Lw8Rt5`
        hide(secret)
        expect(redactText(`<${secret.slice(0, 10)}>`)).not.toContain('k7Qp2Zm9')
        expect(redactText(`<${secret.slice(-10)}>`)).not.toContain('x4Lw8Rt5')
      }),
    )
  })

  it('is found in a private key', () => {
    const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj'
    hide(`-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`)
    expect(redactText(`bad key: ${body.slice(5, 40)}`)).toBe(`bad key: ${MASK}`)
    expect(redactText('expected -----BEGIN PRIVATE KEY-----')).toBe('expected -----BEGIN PRIVATE KEY-----')
  })
})

describe('what only looks like a part', () => {
  it.each([
    [
      'a word of a secret that is made of words',
      'coinbase-ethereum-prime',
      'coinbase and ethereum, Ethereum',
    ],
    ['a number', '123456789012345678', '0.12345678, 12345678 and 2345678901'],
    ['a name and a pair', 'BTCUSDT-perpetual-key', 'BTCUSDT-PERP, btcusdt-spot'],
    ['hexadecimal in a hash', '00deadbeef42aa', '0x77deadbeef42119988, deadbeef421122334455'],
    [
      'an address on a chain',
      '{"signer":"0x52908400098527886E0F7030069857D2E4169EE7","signature":"q1w2e3r4t5"}',
      '0x52908400098527886E0F7030069857D2E4169EE7',
    ],
    ['a row of the same signs', 'a--------------b', '--------------'],
  ])('stays: %s', (_what, secret, text) => {
    hide(secret)
    expect(redactText(text)).toBe(text)
  })

  it('never is a price, whatever the key is made of', () => {
    const price = fc.double({ min: 0, max: 1e9, noNaN: true }).map(String)
    const pair = fc.constantFrom(
      'ETH/USD',
      'BTC-USDT',
      'wstETH-ETH',
      'XAU/USD',
      'ETH-USD-PERPETUAL',
      '1000SHIB/USDT',
    )
    fc.assert(
      fc.property(key, price, pair, (secret, value, name) => {
        fc.pre(!/^\d+$/.test(secret))
        hide(secret)
        for (const text of [value, name, `${name} ${value}`]) expect(redactText(text)).toBe(text)
      }),
      { numRuns: 500 },
    )
  })
})

describe('SC-1: a secret that is a URL or JSON', () => {
  it('is one in its parts: user-info, path, query, in every usual encoding', () => {
    fc.assert(
      fc.property(key, key, key, key, (user, password, path, query) => {
        hide(`wss://${user}:${password}@node.example:8443/v2/${path}/s?token=${query}&format=json`)
        for (const secret of [user, password, path, query])
          for (const [encoding, form] of Object.entries(encodings(secret)))
            expect(redactText(`echo ${form} end`), encoding).toBe(`echo ${MASK} end`)
        const basic = Buffer.from(`${user}:${password}`).toString('base64')
        expect(redactText(`authorization: Basic ${basic}`)).toBe(`authorization: Basic ${MASK}`)
        const other = 'connect ECONNREFUSED node.example:8443, format=json at /v2/orders'
        expect(redactText(other)).toBe(other)
      }),
      { numRuns: 100 },
    )
  })

  it('is one where its encoding in the URL is undone', () => {
    hide('redis://default:p%40ss%2Fw0rd%3D9x@cache.example:6379')
    expect(redactText('WRONGPASS p@ss/w0rd=9x')).toBe(`WRONGPASS ${MASK}`)
    expect(redactText('WRONGPASS p%40ss%2fw0rd%3d9x')).toBe(`WRONGPASS ${MASK}`)
    expect(redactText('user default of cache.example')).toBe('user default of cache.example')
  })

  it('has words in its path that are secret in paths alone', () => {
    hide('https://rpc.example/ethereum/supersecretpath')
    expect(redactText('BTC/ETHEREUM and ethereum, supersecretpath')).toBe(
      'BTC/ETHEREUM and ethereum, supersecretpath',
    )
    expect(redactText('no GET /other/supersecretpath here')).toBe(`no GET /other/${MASK} here`)
    expect(redactText('no GET /ethereum/supersecretpath')).toBe(`no GET ${MASK}`)
    expect(redactText('at https://a.example/x/supersecretpath?y')).toBe(`at https://a.example/x/${MASK}?y`)
  })

  it('is one in each of several URLs', () => {
    hide('wss://a.example/k3y0fTheF1rst,wss://b.example/k3y0fSec0nd1')
    expect(redactText('k3y0fTheF1rst k3y0fSec0nd1')).toBe(`${MASK} ${MASK}`)
  })

  it('is one in the strings that say something, and in those that are named so', () => {
    const text = {
      ETH: 'ethereum',
      url: 'https://x.example/v1/abc9def8ghi7',
      password: 'short',
      list: ['q1w2e3r4t5'],
    }
    hide(JSON.stringify({ ...text, deep: { apiKey: 'plain' } }))
    for (const secret of ['short', 'plain', 'q1w2e3r4t5', 'abc9def8ghi7', text.url])
      expect(redactText(`x ${secret} y`), secret).toBe(`x ${MASK} y`)
    for (const harmless of ['ethereum', 'ETH', 'password', 'x.example'])
      expect(redactText(`x ${harmless} y`)).toBe(`x ${harmless} y`)
  })

  it('has no piece that is a short number, which prices are full of', () => {
    hide('redis://user:1234@cache.example')
    expect(redactText('1234.5')).toBe('1234.5')
    expect(redactText('redis://user:1234@cache.example')).toBe(MASK)
    expect(redactText('user:1234@elsewhere')).toBe(`${MASK}elsewhere`)
  })
})

describe('SC-1: text that is cut', () => {
  it('shows no part of a secret, wherever it is cut and however often it is there', () => {
    const property = fc.property(
      awkwardSecret,
      fc.integer({ min: 0, max: 700 }),
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 1, max: 60 }),
      (secret, before, length, times) => {
        hide(secret)
        for (const form of Object.values(encodings(secret))) {
          const shown = beginningOf(`${'.'.repeat(before)}${form.repeat(times)}`, length, '')
          expect(shown.length).toBeLessThanOrEqual(length)
          expect(shown.replace(/^\.*/, '').replaceAll(MASK, '')).toMatch(/^(?:\[[A-Z_ ]*)?$/)
        }
      },
    )
    fc.assert(property, { numRuns: 60 })
  })

  it('is as long as it may be, and says that there was more', () => {
    expect(beginningOf('abc', 3)).toBe('abc')
    expect(beginningOf('abcd', 3)).toBe('abc…')
    expect(beginningOf('abcd', 3, '')).toBe('abc')
    expect(beginningOf('ab😀', 3)).toBe('ab…')
    expect(beginningOf('x'.repeat(100_000), 10_000)).toBe(`${'x'.repeat(10_000)}…`)
    hide('k7Qp2Zm9x4Lw8Rt5')
    expect(beginningOf('x'.repeat(100_000), 10_000)).toBe(`${'x'.repeat(10_000)}…`)
  })
})
