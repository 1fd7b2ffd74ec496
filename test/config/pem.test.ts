import { describe, expect, it } from 'vitest'
import { isPemFile, pemOrBase64, pemText, readPem } from '../../src/config/pem'

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

  it.each(['/run/secrets/tls.key', './tls.key', '../tls.key', 'C:\\tls.key'])(
    'may be the path of a file: %s',
    (value) => {
      expect([isPemFile(value), pemOrBase64().fn(value)]).toEqual([true, undefined])
      expect(() => readPem(value)).toThrow(/^The file cannot be read \(ENOENT\)$/)
    },
  )

  it.each([PEM, encoded, inLines, 'tls.key', 'not/a path', ''])('are not taken for a path: %j', (value) => {
    expect(isPemFile(value)).toBe(false)
    expect(readPem(value)).toBe(pemText(value))
  })

  it('may not be anything else', () => {
    expect(pemOrBase64().fn('not a key!')).toBe('Value is not valid base64 string.')
    expect(pemText('not a key!')).toBe('not a key!')
  })
})
