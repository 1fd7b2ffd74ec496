import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress, urlOf } from '../address'
import { vectorsOf } from './vectors'

interface Vector {
  url: string
  expect: { config_error?: true; scheme?: string; host?: string; port?: number; path?: string }
}

describe('addresses of connectors', () => {
  it.each(vectorsOf<Vector>('url.json'))('$id: $title', ({ url, expect: expected }) => {
    const address = parseAddress(url)
    const { config_error: isRefused = false, scheme, ...rest } = expected
    expect(address === undefined).toBe(isRefused)
    if (isRefused) return
    expect(address).toMatchObject({ ...rest, isSecure: scheme === 'wss' })
  })

  it('takes the secure port where wss names none, and refuses other schemes', () => {
    expect(parseAddress('wss://prices.example')).toMatchObject({ port: 443, isSecure: true })
    expect(parseAddress('http://prices.example')).toBeUndefined()
    expect(parseAddress('')).toBeUndefined()
  })

  it('cuts off the fragment, and puts the brackets of IPv6 back for dialling', () => {
    const address = parseAddress('ws://[::1]:9/p?q=1#f')
    expect(address && urlOf(address, true)).toBe('wss://[::1]:9/p?q=1')
  })

  it('names nobody: a user in it would be lost without a word', () => {
    expect(parseAddress('ws://user:word@prices.example')).toBeUndefined()
    expect(parseAddress('ws://user@prices.example')).toBeUndefined()
  })

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseAddress(text)))
  })
})
