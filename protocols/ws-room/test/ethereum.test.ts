import { Authenticator } from '@dcl/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addressOf,
  isPrivateKey,
  isSignature,
  newPrivateKey,
  personalHash,
  personalMessage,
  sign,
  signerOf,
} from '../ethereum'
import { fixture, key, type Key } from './vectors'

interface Vector {
  key: string
  message: string
  prefixed_hex: string
  keccak256: string
  signature: string
  v: number
  address: string
}

const { vectors } = fixture<{ vectors: Vector[] }>('eip191.json')
const { keys } = fixture<{ keys: Key[] }>('keys.json')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('a personal signature', () => {
  it.each(vectors)('of $key is that of other libraries: $message', (vector) => {
    const { message, signature } = vector
    expect(hex(personalMessage(message))).toBe(vector.prefixed_hex)
    expect(`0x${hex(personalHash(message))}`).toBe(vector.keccak256)
    expect(sign(message, key(vector.key).private_key)).toBe(signature)
    expect(signature.slice(-2)).toBe(vector.v.toString(16))
    expect(signerOf(message, signature)).toBe(vector.address.toLowerCase())
  })

  it('belongs to whoever made it, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const privateKey = newPrivateKey()
        expect(signerOf(message, sign(message, privateKey))).toBe(addressOf(privateKey))
      }),
      { numRuns: 8 },
    )
  }, 120_000)

  it('is accepted by the reference library', async () => {
    const privateKey = newPrivateKey()
    const chain = Authenticator.createSimpleAuthChain(
      'dcl-x',
      addressOf(privateKey),
      sign('dcl-x', privateKey),
    )
    const never = { send: () => Promise.reject(new Error('no network')), sendAsync: () => {} }
    expect(await Authenticator.validateSignature('dcl-x', chain, never as never)).toEqual({ ok: true })
  })

  it.each(['', '0x', `0x${'0'.repeat(130)}`, `0x${'f'.repeat(128)}1b`, 'x'.repeat(132)])(
    'that is none belongs to nobody: %s',
    (text) => {
      expect(signerOf('dcl-x', text)).toBeUndefined()
    },
  )

  it('has a form: 0x in lower case, 65 bytes, a recovery number that there is', () => {
    const { signature } = vectors[0]!
    expect(isSignature(signature)).toBe(true)
    expect(isSignature(`0X${signature.slice(2)}`)).toBe(false)
    expect(isSignature(`${signature.slice(0, -2)}02`)).toBe(false)
    expect(isSignature(`${signature}\n`)).toBe(false)
    expect(isSignature(undefined)).toBe(false)
  })
})

describe('a private key', () => {
  it.each(keys)('has the address of $name', ({ private_key, address_lower }) => {
    expect(isPrivateKey(private_key)).toBe(true)
    expect(addressOf(private_key)).toBe(address_lower)
  })

  it.each(['', '0x', `0x${'0'.repeat(64)}`, `0x${'f'.repeat(64)}`, 'f'.repeat(64)])(
    'is not this: %s',
    (text) => {
      expect(isPrivateKey(text)).toBe(false)
    },
  )
})
