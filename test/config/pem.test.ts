import { describe, expect, it } from 'vitest'
import { pemOrBase64, pemText } from '../../src/config/pem'

const PEM = '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----\n'
const encoded = Buffer.from(PEM).toString('base64')
const inLines = encoded.replace(/.{20}/g, '$&\n')

describe('keys and certificates in settings', () => {
  it.each([
    ['PEM', PEM],
    ['base64 of PEM', encoded],
    ['base64 in lines', inLines],
  ])('may be %s', (_name, value) => {
    expect(pemOrBase64().fn(value)).toBeUndefined()
    expect(pemText(value)).toBe(PEM)
  })

  it('may not be anything else', () => {
    expect(pemOrBase64().fn('not a key!')).toBe('Value is not valid base64 string.')
    expect(pemText('not a key!')).toBe('not a key!')
  })
})
