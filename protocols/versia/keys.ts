import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** base64 of SPKI DER, and of nothing else: 12 fixed bytes and 32 of the key (versia-websocket 4). */
const PUBLIC_KEY = /^MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=$/
const PUBLIC_KEY_HEAD = Buffer.from('302a300506032b6570032100', 'hex')
const PUBLIC_KEY_BYTES = 44

/** base64 of PKCS8 DER: 16 fixed bytes and 32 of the seed. */
const PRIVATE_KEY = /^MC4CAQAwBQYDK2VwBCIEI[A-Za-z0-9+/]{43}$/

/** The y coordinates of the points of small order, and those that stand for the same once reduced by the field's prime. */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/**
 * A public key from the text that Versia has for it. Strict, because a key may come from the network: with a key of small order anyone
 * can sign.
 *
 * @throws Error that says what is wrong, without the text
 */
export const publicKeyFrom = (text: string): KeyObject => {
  if (typeof text !== 'string' || !PUBLIC_KEY.test(text))
    throw new Error('not the base64 of an Ed25519 key in SPKI form (60 characters, from MCowBQYDK2VwAyEA on)')
  const der = Buffer.from(text, 'base64')
  if (der.length !== PUBLIC_KEY_BYTES || !der.subarray(0, 12).equals(PUBLIC_KEY_HEAD))
    throw new Error('not an Ed25519 key in SPKI form')
  const y = Buffer.from(der.subarray(12))
  y[31]! &= 0x7f // the top bit is the sign of x
  if (SMALL_ORDER.has(y.toString('hex'))) throw new Error('a key of small order, under which anyone can sign')
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

/**
 * A private key from the base64 of its PKCS8 form.
 *
 * @throws Error that says what is wrong, and nothing of the key
 */
export const privateKeyFrom = (text: string): KeyObject => {
  if (typeof text !== 'string' || !PRIVATE_KEY.test(text))
    throw new Error(
      'not the base64 of an Ed25519 private key in PKCS8 form (64 characters, from MC4CAQAw on)',
    )
  return createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
}
