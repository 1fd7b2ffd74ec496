import { Authenticator } from '@dcl/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AuthLink,
  checkChain,
  claimedOwner,
  KnownDelegations,
  parseDelegation,
  PURPOSE,
  writeDelegation,
} from '../auth-chain'
import { addressOf, sign } from '../ethereum'
import { type ChainVector, fixture, identityOf, key, problemIn } from './vectors'

const { vectors } = fixture<{ vectors: ChainVector[] }>('auth-chains.json')
const noNetwork = { send: () => Promise.reject(new Error('no network')) } as never

/** Those whose answer is left to us, and what we say. */
const STRICTER: Record<string, string> = { 'ephemeral-other-purpose': 'malformed' }

describe('an authentication chain', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))(
    'is judged strictly: %s',
    (name, vector) => {
      const verdict = checkChain(vector.chain, vector.challenge, vector.now_ms)
      const { ok, owner, strict_may_refuse: mayRefuse } = vector.expect
      const stricter = STRICTER[name]
      if (stricter !== undefined) expect(mayRefuse).toBe(true)
      if (ok && stricter === undefined) expect(verdict).toEqual({ ok: true, owner })
      else expect(verdict).toEqual({ ok: false, problem: stricter ?? problemIn(vector.expect) })
    },
  )

  it.each(vectors.map((vector) => [vector.name, vector] as const))(
    'is never believed where the reference library does not: %s',
    async (
      _name,
      { chain, challenge, now_ms, dcl_crypto_3_6_0: recorded, differs_from_reference: differs },
    ) => {
      const reference = await Authenticator.validateSignature(challenge, chain as never, noNetwork, now_ms)
      expect(reference.ok).toBe(recorded.ok)
      const { ok } = checkChain(chain, challenge, now_ms)
      if (!reference.ok) expect(ok).toBe(false)
      if (differs) expect([ok, reference.ok]).toEqual([false, true])
    },
  )

  it.each([null, undefined, 7, 'SIGNER', {}, [null, null], [1, 2], [{}, {}], [{ type: 1, payload: 2 }, {}]])(
    'is not this: %j',
    (chain) => {
      expect(checkChain(chain, 'dcl-x', 0)).toEqual({ ok: false, problem: 'malformed' })
      expect(claimedOwner(chain)).toBeUndefined()
    },
  )

  it('of more than four links is refused', () => {
    const { chain, challenge, now_ms } = vectors.find(({ name }) => name === 'ephemeral-two-delegates')!
    const longer = [...chain.slice(0, 2), chain[1]!, ...chain.slice(2)]
    expect(checkChain(longer, challenge, now_ms)).toEqual({ ok: false, problem: 'malformed' })
  })

  it('of a key that delegates to another ends with the first of the two', () => {
    const [alice, first, second] = [key('alice'), key('alice-ephemeral'), key('alice-ephemeral-2')]
    const early = writeDelegation(first.address_lower, 1_000)
    const late = writeDelegation(second.address_lower, 9_000)
    const chain: AuthLink[] = [
      { type: 'SIGNER', payload: alice.address_lower, signature: '' },
      { type: 'ECDSA_EPHEMERAL', payload: early, signature: sign(early, alice.private_key) },
      { type: 'ECDSA_EPHEMERAL', payload: late, signature: sign(late, first.private_key) },
      { type: 'ECDSA_SIGNED_ENTITY', payload: 'dcl-x', signature: sign('dcl-x', second.private_key) },
    ]
    expect(checkChain(chain, 'dcl-x', 999)).toEqual({ ok: true, owner: alice.address_lower })
    expect(checkChain(chain, 'dcl-x', 1_000)).toEqual({ ok: false, problem: 'expired' })
  })

  it('with any one character changed belongs to nobody else', () => {
    const chain = identityOf('alice').vouchFor('dcl-x')
    const text = JSON.stringify(chain)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(...'0123456789abcdefX:,"'), (at, character) => {
        const changed = text.slice(0, at) + character + text.slice(at + 1)
        let parsed: unknown
        try {
          parsed = JSON.parse(changed)
        } catch {
          return
        }
        const verdict = checkChain(parsed, 'dcl-x', Date.now())
        if (verdict.ok) expect(verdict.owner).toBe(key('alice').address_lower)
      }),
      { numRuns: 150 },
    )
  })
})

describe('delegations that are known', () => {
  const text = writeDelegation(key('alice-ephemeral').address_lower, 9_000)
  const { private_key, address_lower: alice } = key('alice')
  const signature = sign(text, private_key)

  it('count for the account that signed them alone', () => {
    const known = new KnownDelegations()
    expect(known.check(alice, text, signature)).toBe(true)
    expect(known.check(alice, text, signature)).toBe(true)
    expect(known.check(key('bob').address_lower, text, signature)).toBe(false)
  })

  it('are forgotten before there are too many, and checked again', () => {
    const known = new KnownDelegations(1)
    const other = writeDelegation(addressOf(key('bob').private_key), 9_000)
    expect(known.check(alice, text, signature)).toBe(true)
    expect(known.check(alice, other, sign(other, private_key))).toBe(true)
    expect(known.check(alice, text, signature)).toBe(true)
    expect(known.check(alice, other, signature)).toBe(false)
  })
})

describe('the expiration of a delegation', () => {
  const read = (time: string) =>
    parseDelegation(`${PURPOSE}\nEphemeral address: ${key('alice').address_lower}\nExpiration: ${time}`)
      ?.expiresAtUnixMs

  it.each([
    ['2026-11-22T05:20:00.000Z', 1_795_324_800_000],
    ['2026-11-22T05:20Z', 1_795_324_800_000],
    ['2026-11-22T06:20:00.123456789+01:00', 1_795_324_800_123],
    // As the reference library reads them.
    ['2026-11-21T24:00:00Z', 1_795_305_600_000],
    ['2026-02-30T00:00:00Z', 1_772_409_600_000],
  ])('%s is %s', (time, unixMs) => expect(read(time)).toBe(unixMs))

  it.each([
    '2026-11-22T05:20:00',
    '2026-11-22',
    '2026-11-22t05:20:00z',
    '2026-11-22T05:20:00+0100',
    '2026-11-22T05:20:00.0000000000Z',
    '2026-11-32T05:20:00Z',
    'Sun, 22 Nov 2026 05:20:00 GMT',
    '1795324800000',
  ])('%s is no time', (time) => expect(read(time)).toBeNaN())
})
