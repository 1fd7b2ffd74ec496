import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { CensorList, redactStrings, redactText, safeUrl, secretEntry } from '../../src/util/redaction'
import { awkwardSecret, encodings } from './secrets'

afterEach(() => {
  CensorList.set([])
})

const hide = (secret: string, name = 'API_KEY'): void => CensorList.set([secretEntry(name, secret)])

describe('redactText', () => {
  it('SC-1: finds a secret in every usual encoding, inside any text', () => {
    fc.assert(
      fc.property(awkwardSecret, (secret) => {
        hide(secret)
        for (const [encoding, form] of Object.entries(encodings(secret))) {
          const redacted = redactText(`<<${form}>>`)
          expect(redacted, encoding).toBe('<<[API_KEY REDACTED]>>')
        }
      }),
      { numRuns: 300 },
    )
  })

  it('has entries of key and value, and of nothing else, contract 18.5', () => {
    const entry = secretEntry('API_KEY', 'a.b\nc')
    expect(Object.entries(entry)).toStrictEqual([
      ['key', 'API_KEY'],
      ['value', /a\.b(?:\n|\\n)c/gi],
    ])
    expect(JSON.stringify(entry)).not.toContain('secret')
    expect({ ...entry }).toStrictEqual({ key: 'API_KEY', value: entry.value })
  })

  it('SC-1: finds a secret in other letter case, as the reference does', () => {
    hide('AbCdEf123')
    expect(redactText('x=abcdef123&y=ABCDEF123')).toBe('x=[API_KEY REDACTED]&y=[API_KEY REDACTED]')
  })

  it('SC-1: finds the base64 of credentials that the secret is only a part of', () => {
    const secret = 'k3y+/with=signs'
    hide(secret)
    for (const user of ['', 'u', 'me', 'bob', 'alice']) {
      const header = Buffer.from(`${user}:${secret}`).toString('base64')
      expect(redactText(`Basic ${header}`), user).toContain('[API_KEY REDACTED]')
      const whole = Buffer.from(secret).toString('base64').slice(4, -4)
      expect(redactText(header), user).not.toContain(whole)
    }
  })

  it('SC-1: finds a multi-line key with its line ends written in any way', () => {
    hide('-----BEGIN KEY-----\nabc/def+ghi\n-----END KEY-----')
    const mask = '[API_KEY REDACTED]'
    for (const end of ['\n', '\r\n', '\\n', '\\r\\n', '%0A', '%0d%0a', '\\\\n']) {
      expect(redactText(`-----BEGIN KEY-----${end}abc/def+ghi${end}-----END KEY-----`), end).toBe(mask)
    }
    hide('-----BEGIN KEY-----\\nabc\\n-----END KEY-----')
    expect(redactText('-----BEGIN KEY-----\nabc\n-----END KEY-----')).toBe(mask)
  })

  it('returns the very same text when there is nothing to hide', () => {
    fc.assert(
      fc.property(awkwardSecret, fc.string(), (secret, text) => {
        fc.pre(!text.includes(secret))
        hide(`${secret}-tail-that-is-not-in-any-text`)
        expect(redactText(text)).toBe(text)
      }),
    )
  })

  it('changes nothing when applied a second time, even if the secret is a part of the mask', () => {
    fc.assert(
      fc.property(awkwardSecret, fc.constantFrom('red', 'KEY', 'a', 'API_KEY REDACTED'), (secret, part) => {
        CensorList.set([secretEntry('API_KEY', secret), secretEntry('PART', part)])
        const once = redactText(`before ${secret} after ${part}`)
        expect(redactText(once)).toBe(once)
      }),
    )
  })

  it('hides the longer of two secrets whole when one is a part of the other', () => {
    CensorList.set([secretEntry('SHORT', 'abcd'), secretEntry('LONG', 'abcd-efgh')])
    expect(redactText('abcd-efgh abcd')).toBe('[LONG REDACTED] [SHORT REDACTED]')
  })

  it('matches short secrets as they are, but not in encodings that occur in any text', () => {
    hide('1')
    expect(redactText('11 MQ 31')).toBe('[API_KEY REDACTED][API_KEY REDACTED] MQ 3[API_KEY REDACTED]')
  })

  it('takes an empty secret and a pattern that matches nothing for no secret', () => {
    CensorList.set([secretEntry('EMPTY', ''), { key: 'NOTHING', value: /x*/g }])
    expect(redactText('abc')).toBe('abc')
  })

  it('takes no time to speak of for text made to look like the secret', () => {
    hide(`${'\\'.repeat(40)}x${'%'.repeat(40)}y${'"'.repeat(40)}`)
    const text = `${'\\'.repeat(20_000)}${'%25'.repeat(5000)}${'\\"'.repeat(5000)}`
    // Of the processor, which other work on the machine does not add to.
    const start = process.cpuUsage()
    expect(redactText(text)).toBe(text)
    expect(process.cpuUsage(start).user / 1e3).toBeLessThan(2_000)
  })
})

describe('redactStrings', () => {
  it('looks at the names of numbers too, again and again, and for secrets that come later', () => {
    hide('price-of-gold')
    const clean = { result: 1.5, volume: 2 }
    const revealing = { result: 1.5, 'the-price-of-gold': 2 }
    for (let time = 0; time < 3; time++) {
      expect(redactStrings(clean)).toBe(clean)
      expect(redactStrings(revealing)).toStrictEqual({ result: 1.5, 'the-[API_KEY REDACTED]': 2 })
    }
    hide('volume')
    expect(redactStrings(clean)).toStrictEqual({ result: 1.5, '[API_KEY REDACTED]': 2 })
  })

  it('asks an object of numbers for its JSON, where it makes that itself', () => {
    hide('price-of-gold')
    class Own {
      result = 1.5
      toJSON = undefined
    }
    class Telling {
      result = 1.5
      toJSON() {
        return { note: 'price-of-gold' }
      }
    }
    const own = new Own()
    expect(redactStrings(own)).toBe(own)
    expect(redactStrings(new Telling())).toStrictEqual({ note: '[API_KEY REDACTED]' })
  })

  it('never changes a number, whatever digits the secret is made of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 }), fc.jsonValue(), fc.double(), (secret, json, price) => {
        hide(String(secret))
        const value = { result: price, data: { result: secret, json } }
        const redacted = redactStrings(value)
        expect(redacted.result).toBe(price)
        expect(redacted.data.result).toBe(secret)
        const text = JSON.stringify(redacted)
        expect(() => JSON.parse(text) as unknown).not.toThrow()
      }),
    )
  })

  it('returns the very same object when nothing is to be hidden', () => {
    fc.assert(
      fc.property(fc.object(), (value) => {
        hide('a-secret-that-no-generated-value-holds')
        expect(redactStrings(value)).toBe(value)
      }),
    )
  })

  it('SC-1: leaves no secret anywhere in a value, and the original alone', () => {
    const place = fc.constantFrom(
      (secret: string) => ({ a: { b: [secret] } }),
      (secret: string) => ({ [`x-${secret}`]: 1 }),
      (secret: string) => [[[[{ deep: { deeper: `url?key=${encodeURIComponent(secret)}` } }]]]],
      (secret: string) => ({ body: JSON.stringify({ error: `bad key ${secret}` }) }),
      (secret: string) => ({ toJSON: () => ({ hidden: secret }) }),
    )
    fc.assert(
      fc.property(awkwardSecret, place, (secret, build) => {
        hide(secret)
        const value = build(secret)
        const before = JSON.stringify(value)
        const after = JSON.stringify(redactStrings(value))
        expect(JSON.stringify(value)).toBe(before)
        expect(after).toContain('[API_KEY REDACTED]')
        for (const form of Object.values(encodings(secret))) expect(after).not.toContain(form)
      }),
    )
  })

  it('SC-1: redacts message, stack, cause and fields of an error, which stays an error of its class', () => {
    class ProviderError extends Error {
      url = 'https://x.example/?key=s3cr3t-value'
      status = 502
    }
    hide('s3cr3t-value')
    const cause = new TypeError('s3cr3t-value is wrong')
    const error = new ProviderError('no entry for s3cr3t-value', { cause })
    const redacted = redactStrings(error)
    expect(redacted).toBeInstanceOf(ProviderError)
    expect(redacted.cause).toBeInstanceOf(TypeError)
    expect(redacted.status).toBe(502)
    expect(redacted.message).toBe('no entry for [API_KEY REDACTED]')
    expect(redacted.stack).toContain('no entry for [API_KEY REDACTED]')
    const all = [
      redacted.stack,
      redacted.url,
      (redacted.cause as Error).message,
      (redacted.cause as Error).stack,
    ]
    expect(all.join()).not.toContain('s3cr3t')
    expect(error.message).toBe('no entry for s3cr3t-value')
    expect(Object.keys(redacted)).toEqual(Object.keys(error))
  })

  it('copes with circular values, at any depth', () => {
    hide('s3cr3t')
    const value: Record<string, unknown> = { a: { b: { c: { d: { e: 's3cr3t' } } } } }
    value.self = value
    const redacted = redactStrings(value)
    expect(redacted.self).toBe(redacted)
    expect(redacted).not.toBe(value)
    const innocent: Record<string, unknown> = { list: [1, 2], nested: { other: {} } }
    innocent.self = innocent
    expect(redactStrings(innocent)).toBe(innocent)
  })

  it('leaves bytes and dates as they are', () => {
    hide('s3cr3t')
    const bytes = Buffer.from('s3cr3t')
    const redacted = redactStrings({ bytes, at: new Date(5), text: 's3cr3t' })
    expect(redacted.bytes).toBe(bytes)
    expect(redacted.at).toEqual(new Date(5))
  })

  it('does not let a key named after a built-in property change the copy', () => {
    hide('s3cr3t')
    const redacted = redactStrings(JSON.parse('{"__proto__":{"polluted":"s3cr3t"}}') as object)
    expect(Object.getPrototypeOf(redacted)).toBe(Object.prototype)
    expect(JSON.stringify(redacted)).toBe('{"__proto__":{"polluted":"[API_KEY REDACTED]"}}')
  })
})

describe('safeUrl', () => {
  it('SC-4: shows neither user-info nor query nor fragment', () => {
    const part = fc.stringMatching(/^[a-z0-9]{8}$/)
    fc.assert(
      fc.property(part, part, part, part, (user, password, query, fragment) => {
        const url = `wss://${user}:${password}@h.example:8443/v2/stream?key=${query}#${fragment}`
        expect(safeUrl(url)).toBe('wss://h.example:8443/v2/stream')
      }),
    )
  })

  it('keeps a plain URL as it is', () => {
    expect(safeUrl('ws://localhost:9090')).toBe('ws://localhost:9090')
    expect(safeUrl('https://h.example/a/b')).toBe('https://h.example/a/b')
  })

  it('shows nothing of what is not a URL with a host', () => {
    for (const url of [
      '',
      'not a url',
      'localhost:8080/s3cr3t',
      'data:text/plain,s3cr3t',
      '/path?key=s3cr3t',
    ]) {
      expect(safeUrl(url)).toBe('invalid url')
    }
  })
})
