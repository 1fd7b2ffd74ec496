import { execFileSync } from 'node:child_process'
import { Authenticator } from '@dcl/crypto'
import { describe, expect, it } from 'vitest'
import { delegate, roomIdentity } from '../identity'
import { addressOf, newPrivateKey, sign } from '../ethereum'
import { type AuthLink } from '../auth-chain'
import { root } from '../../../test/helpers/repository'
import { key, keyOf } from './vectors'

const { private_key: accountPrivateKey, address_lower: alice } = key('alice')
const packed = (links: unknown) => Buffer.from(JSON.stringify(links)).toString('base64url')

describe('a delegated key', () => {
  it('speaks for the account until it expires, as the reference library sees it', async () => {
    const made = delegate({ accountPrivateKey, validForMs: 60_000 })
    const identity = roomIdentity(made)
    expect([made.owner, identity.owner]).toEqual([alice, alice])
    expect(identity.expiresAtUnixMs).toBe(made.expiresAtUnixMs)
    const chain = identity.vouchFor('dcl-x')
    const validate = (now: number) => Authenticator.validateSignature('dcl-x', chain as never, null, now)
    expect((await validate(made.expiresAtUnixMs - 1)).ok).toBe(true)
    expect((await validate(made.expiresAtUnixMs)).ok).toBe(false)
  })

  it('is another each time, and the account’s key is nowhere in it', () => {
    const [first, second] = [keyOf('alice'), keyOf('alice')]
    expect(first.privateKey).not.toBe(second.privateKey)
    const all = JSON.stringify(first) + Buffer.from(first.delegation, 'base64url').toString()
    expect(all).not.toContain(accountPrivateKey.slice(2))
  })

  it('is one word, fit for an environment variable', () => {
    expect(keyOf('alice').delegation).toMatch(/^[A-Za-z0-9_-]+$/)
  })

  it('is made by the script, offline, from a key on its standard input', () => {
    const script = ['--import', 'tsx', 'protocols/ws-room/room-key.ts', '--days', '2']
    const text = execFileSync(process.execPath, script, {
      cwd: root,
      input: `${accountPrivateKey}\n`,
      encoding: 'utf8',
    })
    const [, privateKey = ''] = /^WS_ROOM_PRIVATE_KEY=(\S+)$/m.exec(text) ?? []
    const [, delegation = ''] = /^WS_ROOM_DELEGATION=(\S+)$/m.exec(text) ?? []
    const identity = roomIdentity({ privateKey, delegation })
    expect(identity.owner).toBe(alice)
    expect(text).toContain(`# account ${alice}, until ${new Date(identity.expiresAtUnixMs).toISOString()}`)
    expect(text).not.toContain(accountPrivateKey.slice(2))
  })

  it.each([0, -1, Number.NaN])('is not made for %s ms', (validForMs) => {
    expect(() => delegate({ accountPrivateKey, validForMs })).toThrow('must be positive')
  })

  it('is not made by what is no account key', () => {
    expect(() => delegate({ accountPrivateKey: 'secret', validForMs: 1 })).toThrow(
      /^The account key is not 0x/,
    )
  })
})

describe('an identity', () => {
  const made = keyOf('alice')
  const links = JSON.parse(Buffer.from(made.delegation, 'base64url').toString()) as AuthLink[]

  it.each([
    ['no key', { privateKey: '' }, 'The private key is not'],
    ['no delegation', { delegation: '' }, 'The delegation is not base64url of a JSON array'],
    ['a delegation that is no array', { delegation: packed({}) }, 'The delegation is not base64url'],
    ['the key of another delegation', { privateKey: newPrivateKey() }, '(bad-signature)'],
    [
      'a delegation of an unknown form',
      { delegation: packed([links[0], { ...links[1], type: 'FOO' }]) },
      '(malformed)',
    ],
    ['a delegation without end', { delegation: packed([{}, {}, {}, {}, {}]) }, '(malformed)'],
  ])('is not %s', (_name, wrong, words) => {
    const attempt = () => roomIdentity({ ...made, ...wrong })
    expect(attempt).toThrow(words)
    const secret = { ...made, ...wrong }.privateKey.slice(2)
    if (secret !== '') expect(attempt).not.toThrow(secret)
  })

  it('is not the account itself: a process holds no account key', () => {
    const delegation = packed([{ type: 'SIGNER', payload: alice, signature: '' }])
    expect(() => roomIdentity({ privateKey: accountPrivateKey, delegation })).toThrow('must be delegated')
  })

  it('is none with a delegation whose end is no time', () => {
    const privateKey = newPrivateKey()
    const payload = `Decentraland Login\nEphemeral address: ${addressOf(privateKey)}\nExpiration: never`
    const signed = { type: 'ECDSA_EPHEMERAL', payload, signature: sign(payload, accountPrivateKey) }
    expect(() => roomIdentity({ privateKey, delegation: packed([links[0], signed]) })).toThrow('(expired)')
  })

  it('that has expired is one all the same: it is told where it matters', () => {
    const privateKey = newPrivateKey()
    const payload = `Decentraland Login\nEphemeral address: ${addressOf(privateKey)}\nExpiration: 2020-01-01T00:00:00Z`
    const signed = { type: 'ECDSA_EPHEMERAL', payload, signature: sign(payload, accountPrivateKey) }
    const { expiresAtUnixMs } = roomIdentity({ privateKey, delegation: packed([links[0], signed]) })
    expect(expiresAtUnixMs).toBe(Date.UTC(2020, 0, 1))
  })
})
