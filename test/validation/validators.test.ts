import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { validator } from '../../src/validation/validators'

const notInteger = (received: string) => `Value must be an integer (no floating point)., Received ${received}`

describe('integer', () => {
  it('accepts whole numbers and refuses everything else, text included', () => {
    const { fn } = validator.integer()
    expect([fn(0), fn(-3), fn(1e21)]).toEqual([undefined, undefined, undefined])
    expect(fn(1.5)).toBe(notInteger('number 1.5'))
    expect(fn(NaN)).toBe(notInteger('number NaN'))
    expect(fn('3')).toBe(notInteger('string 3'))
    expect(fn(undefined)).toBe(notInteger('undefined undefined'))
  })

  it('names the bound that is missed, zero bounds included', () => {
    const { fn, meta } = validator.integer({ min: 0, max: 5 })
    expect(meta).toMatchObject({ min: 0, max: 5 })
    expect([fn(0), fn(5)]).toEqual([undefined, undefined])
    expect(fn(-1)).toBe('Minimum allowed value is 0. Received -1')
    expect(fn(6)).toBe('Maximum allowed value is 5. Received 6')
    expect(validator.integer({ min: 0, max: 0 }).fn(1)).toBe('Maximum allowed value is 0. Received 1')
    expect(validator.integer({ min: 1 }).meta).not.toHaveProperty('max')
  })

  it('accepts exactly the integers of its range', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer(), (min, max, value) => {
        const accepted = validator.integer({ min, max }).fn(value) === undefined
        expect(accepted).toBe(value >= min && value <= max)
      }),
    )
  })
})

describe('positiveInteger and port', () => {
  it('accept from 0, and from 1 to 65535', () => {
    expect(validator.positiveInteger().fn(0)).toBeUndefined()
    expect(validator.positiveInteger().fn(-1)).toBe('Value must be positive number, Received -1')
    expect(validator.positiveInteger().fn(0.5)).toBe(notInteger('number 0.5'))
    const { fn, meta } = validator.port()
    expect([fn(1), fn(65535)]).toEqual([undefined, undefined])
    expect(fn(0)).toBe('Minimum allowed value is 1. Received 0')
    expect(fn(65536)).toBe('Maximum allowed value is 65535. Received 65536')
    expect(meta).toMatchObject({ min: 1, max: 65535 })
  })
})

describe('url, host and base64', () => {
  it('url accepts any absolute URL and nothing at all', () => {
    const { fn } = validator.url()
    expect([fn('wss://x/y'), fn('redis://u:p@h'), fn(''), fn(undefined)]).toEqual(Array(4).fill(undefined))
    expect(fn('nope')).toBe('Value must be valid URL. Received nope, error TypeError: Invalid URL')
  })

  it('url can ask for schemes', () => {
    const { fn, meta } = validator.url({ schemes: ['ws', 'wss'] })
    expect([fn('wss://x/y'), fn('WS://h'), fn(''), fn(undefined)]).toEqual(Array(4).fill(undefined))
    expect(fn('https://x')).toBe('Value must be a URL that starts with ws: or wss:. Received https://x')
    expect(fn('nope')).toBe('Value must be valid URL. Received nope, error TypeError: Invalid URL')
    expect(meta.details).toBe('Value must be a URL that starts with ws: or wss:')
  })

  it('path accepts what a URL may have between host and query, from its slash on, and nothing at all', () => {
    const { fn } = validator.path()
    for (const good of ['/', '/a/b', '/.versia/v0.6/inbox', '/a%20b', '', undefined])
      expect(fn(good)).toBeUndefined()
    for (const bad of ['a', 'a/b', './a', '/a b', '/a?b', '/a#b', '/:a', '/*', 'https://x/'])
      expect(fn(bad)).toBe(
        `Value must be a path that starts with /, without query or wildcard. Received ${bad}`,
      )
  })

  it('file accepts one that can be read, and nothing at all', () => {
    const { fn } = validator.file()
    expect([fn(__filename), fn(''), fn(undefined)]).toEqual([undefined, undefined, undefined])
    expect(fn(__dirname)).toBe(`Value must be a file. Received ${__dirname}`)
    expect(fn('/nowhere')).toMatch(
      /^Value must be a file that can be read\. Received \/nowhere, error .*ENOENT/,
    )
  })

  it('host accepts IP addresses and localhost', () => {
    const { fn } = validator.host()
    expect([fn('::'), fn('127.0.0.1'), fn('localhost')]).toEqual(Array(3).fill(undefined))
    expect(fn('example.com')).toBe('Value is not valid IP address. Received example.com')
    expect(fn(undefined)).toBe('Value is not valid IP address. Received undefined')
  })

  it('base64 accepts bytes that are no text, such as a key in DER', () => {
    expect(validator.base64().fn(Buffer.from([0, 0xff, 0xfe, 0x80]).toString('base64'))).toBeUndefined()
  })

  it('base64 accepts what Node writes, and refuses text without its padding or with other characters', () => {
    const { fn } = validator.base64()
    expect(fn(Buffer.from('key').toString('base64'))).toBeUndefined()
    for (const bad of ['YWJjZA', 'YW Jj', '!!!', '', undefined, '_-_-']) {
      expect(fn(bad)).toBe('Value is not valid base64 string.')
    }
  })
})

describe('responseTimestamp', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('accepts Unix milliseconds from 2018 to 50 ms after it was made', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    const { fn } = validator.responseTimestamp()
    expect([fn(1514764861000), fn(1_700_000_000_050)]).toEqual([undefined, undefined])
    expect(fn(1514764860999)).toBe('Minimum allowed value is 1514764861000. Received 1514764860999')
    expect(fn(1_700_000_000_051)).toBe('Maximum allowed value is 1700000000050. Received 1700000000051')
  })
})

describe('compose', () => {
  it('reports the first rule that is broken', () => {
    const { fn } = validator.compose([validator.integer(), validator.port()])
    expect(fn(1.5)).toBe(notInteger('number 1.5'))
    expect(fn(70000)).toBe('Maximum allowed value is 65535. Received 70000')
    expect(fn(80)).toBeUndefined()
  })

  it('tells the range that all rules together allow', () => {
    const rules = [validator.integer({ min: 1, max: 5 }), validator.integer({ min: 2, max: 9 })]
    expect(validator.compose(rules).meta).toMatchObject({ min: 2, max: 5 })
    expect(validator.compose([]).meta).toEqual({ details: '' })
  })
})

it('every validator says in words what it accepts', () => {
  const { integer, positiveInteger, port, url, host, responseTimestamp, base64 } = validator
  for (const make of [integer, positiveInteger, port, url, host, responseTimestamp, base64]) {
    expect(make().meta.details).toMatch(/^Value must be /)
  }
})
