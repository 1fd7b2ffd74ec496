import { verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readEnvelope } from '../envelope'
import { verifyHttp } from '../http-signature'
import { parseStrictJson } from '../json-rules'
import { privateKeyFrom, publicKeyFrom } from '../keys'
import { type VersiaPrice } from '../price'
import { PriceGate } from '../price-gate'
import { PriceOrder } from '../price-order'
import { ReplayMemory } from '../replay-memory'
import { stringToSign } from '../signature'
import { pinnedKeys } from '../signers'
import { VersiaSigner } from '../signer'
import { type Verified, Verifier } from '../verifier'
import { secondHash, secondSign, secondVerify } from './second-opinion'
import {
  badKeys,
  consumedFiles,
  jsonRules,
  key,
  keyFile,
  type Message,
  negativeMessages,
  PRICE_TYPE,
  sequences,
  signedHttp,
  trustedKeys,
  validMessages,
  vectorFiles,
} from './vectors'

const verifierFor = (version: Message['version'], path: string): Verifier => {
  const keys = pinnedKeys(trustedKeys(version), version, false, [])
  return new Verifier({
    version,
    path,
    keys: { keysOf: (name) => keys.get(name) },
    memory: new ReplayMemory(),
  })
}

/** Versions of the rules as a source has them: 0.4 is refused where it is not asked for. */
const configured = (version: Message['version']) => (version === '0.4' ? '0.5' : version)

/** The vectors have prices that were seen when they were signed, and messages of 300 s ahead. */
const AHEAD_MS = 300_000

const frameOf = (text: string) => Buffer.from(text, 'utf8')

describe('valid messages', () => {
  it.each(validMessages.map((vector) => [vector.name, vector] as const))('%s is taken', (_name, vector) => {
    const { version, path, now, message_text: text } = vector
    const verdict = verifierFor(version, path).verify(frameOf(text), false, now * 1_000)
    expect(verdict).toMatchObject({ signedBy: expect.any(String), entity: { type: expect.any(String) } })
    const price = new PriceGate(PRICE_TYPE, AHEAD_MS).check(verdict as Verified, now * 1_000)
    if (vector.name === 'v0.6-transient-delete') expect(price).toBeUndefined()
    else
      expect(price).toMatchObject({
        feed: 'ETH/USD',
        base: 'ETH',
        quote: 'USD',
        value: '3150.25',
        decimals: 8,
        observedAtUnixMs: 1_795_324_800_000,
      })
  })

  it.each(validMessages.map((vector) => [vector.name, vector] as const))(
    '%s has the same string, hash and signature in both implementations',
    (_name, vector) => {
      const { version, path, message_text: text, string_to_sign: expected } = vector
      const { signature, signedAt, entity } = readEnvelope(frameOf(text), false, version) as Exclude<
        ReturnType<typeof readEnvelope>,
        string
      >
      const string = stringToSign({ method: 'POST', path, signedAt, body: entity })
      expect(string).toBe(expected)
      expect(secondHash(entity)).toBe(vector.entity_sha256_base64)
      expect(secondVerify(string, signature, key(vector.key).public_raw_hex)).toBe(true)
      expect(secondSign(string, key(vector.key).seed_hex)).toBe(signature)
    },
  )

  it.each(validMessages.map((vector) => [vector.name, vector] as const))(
    '%s is what our signer makes of the same entity at the same time',
    (_name, vector) => {
      const { version, path, message_text: text } = vector
      const message = JSON.parse(text) as Record<string, string>
      const signer = new VersiaSigner({
        version,
        path,
        signedBy: message['signed_by']!,
        privateKey: key(vector.key).private_pkcs8_base64,
        clock: () => Number(message['signed_at']) * 1_000,
      })
      expect(signer.signMessage(message['entity']!)).toBe(text)
    },
  )
})

describe('negative messages', () => {
  it.each(negativeMessages.map((vector) => [vector.name, vector] as const))(
    '%s is refused for its reason',
    (_name, { version, path, now, message_text: text, frame, expect: expected }) => {
      const verifier = verifierFor(configured(version), path)
      expect(verifier.verify(frameOf(text), frame === 'binary', now * 1_000)).toBe(expected.reason)
    },
  )

  it.each(
    negativeMessages
      .filter(({ crypto_valid: isValid }) => typeof isValid === 'boolean')
      .flatMap((vector): [string, Message][] => {
        const { signature, entity, signed_at: at, nonce } = fieldsOf(vector)
        const isWhole = [signature, entity, String(at ?? nonce)].every((one) => typeof one === 'string')
        return isWhole && vector.frame === undefined ? [[vector.name, vector]] : []
      }),
  )('%s has the cryptography that the vector says, by another implementation', (_name, vector) => {
    const { signature, entity, signed_at: at, nonce } = fieldsOf(vector)
    const string = `post ${vector.path} ${String(at ?? nonce)} ${secondHash(entity as string)}`
    const isValid = secondVerify(string, signature as string, key(vector.key).public_raw_hex)
    expect(isValid).toBe(vector.crypto_valid)
  })
})

const fieldsOf = ({ message_text: text }: Message): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

describe('sequences', () => {
  it.each(sequences.map((sequence) => [sequence.name, sequence] as const))(
    '%s: every step has its outcome',
    async (_name, { version, path, steps }) => {
      const verifier = verifierFor(version, path)
      const gate = new PriceGate(PRICE_TYPE, AHEAD_MS)
      let outcome: string | undefined
      const order = new PriceOrder(
        () => Promise.resolve(undefined),
        (reason) => (outcome = reason),
      )
      const step = async (text: string, now: number): Promise<string> => {
        const verdict = verifier.verify(frameOf(text), false, now)
        if (typeof verdict === 'string') return verdict
        const price = gate.check(verdict, now) as VersiaPrice | string
        if (typeof price === 'string') return price
        outcome = undefined
        const place = { timeUnixMs: price.observedAtUnixMs, rank: 0 }
        order.offer(price.feed, {
          place,
          latest: now + AHEAD_MS,
          take: () => {
            outcome = 'stored'
            return true
          },
        })
        await new Promise(setImmediate)
        return outcome ?? 'lost'
      }
      const outcomes: string[] = []
      for (const { message_text: text, now } of steps) outcomes.push(await step(text, now * 1_000))
      expect(outcomes).toEqual(
        steps.map(({ expect: { ok, stored = ok, reason } }) => (stored ? 'stored' : reason)),
      )
    },
  )
})

describe('signed HTTP', () => {
  it.each(signedHttp.map((vector) => [vector.name, vector] as const))(
    '%s is good by the headers alone',
    (_name, vector) => {
      const {
        version,
        method,
        path,
        signed_path: signedPath = path,
        body,
        headers,
        at = 1_795_324_800,
      } = vector
      const lowerCase = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      )
      const keys = [publicKeyFrom(key(vector.key).public_spki_base64)]
      const keysOf = (signedBy: string) => (signedBy === vector.signed_by ? keys : undefined)
      const of = { version, keysOf, now: at * 1_000 }
      expect(verifyHttp(lowerCase, { method, path: signedPath, body }, of)).toEqual({
        signedBy: vector.signed_by,
      })
      expect(verifyHttp(lowerCase, { method, path: `${signedPath}x`, body }, of)).toBe('bad_signature')
      expect(
        verifyHttp(lowerCase, { method, path: signedPath, body }, { ...of, keysOf: () => undefined }),
      ).toBe('unknown_signer')
      expect(
        verifyHttp(lowerCase, { method, path: signedPath, body }, { ...of, now: (at + 301) * 1_000 }),
      ).toBe('stale')
      expect(verifyHttp({}, { method, path: signedPath, body }, of)).toBe('malformed')
      expect(stringToSign({ method, path: signedPath, signedAt: String(at), body })).toBe(
        vector.string_to_sign,
      )
    },
  )

  it.each(
    signedHttp.filter(({ signed_path: path }) => path === undefined).map((one) => [one.name, one] as const),
  )(
    '%s has the headers that our signer makes, and the query is not signed',
    (
      _name,
      { version, method, path, query, signed_by: signedBy, body, headers, at = 1_795_324_800, key: name },
    ) => {
      const privateKey = key(name).private_pkcs8_base64
      const signer = new VersiaSigner({ version, signedBy, privateKey, clock: () => at * 1_000 })
      const url = `https://receiver.example${path}${query === undefined ? '' : `?${query}`}`
      expect(signer.signRequest(method.toUpperCase(), url, body)).toEqual(headers)
    },
  )
})

describe('HTTP of version 0.4', () => {
  it('is signed and checked with a nonce in place of the time', () => {
    const { private_pkcs8_base64: privateKey, public_spki_base64: publicKey } = key('feed-user')
    const signedBy = 'https://feeds.example/users/1'
    const signer = new VersiaSigner({ version: '0.4', signedBy, privateKey })
    const headers = signer.signRequest('GET', 'https://receiver.example/ws')
    expect(Object.keys(headers)).toEqual(['X-Signature', 'X-Signed-By', 'X-Nonce'])
    expect(signer.signRequest('GET', 'https://receiver.example/ws')['X-Nonce']).not.toBe(headers['X-Nonce'])
    const lowerCase = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    )
    const of = { version: '0.4' as const, keysOf: () => [publicKeyFrom(publicKey)], now: 0 }
    expect(verifyHttp(lowerCase, { method: 'get', path: '/ws' }, of)).toEqual({ signedBy })
    expect(verifyHttp(lowerCase, { method: 'get', path: '/' }, of)).toBe('bad_signature')
    expect(verifyHttp(lowerCase, { method: 'get', path: '/ws' }, { ...of, version: '0.5' })).toBe('malformed')
  })
})

describe('keys', () => {
  it.each(keyFile.keys.map((one) => [one.name, one] as const))(
    '%s is read in all its forms',
    (_name, one) => {
      const { x } = publicKeyFrom(one.public_spki_base64).export({ format: 'jwk' })
      expect(Buffer.from(x!, 'base64url').toString('hex')).toBe(one.public_raw_hex)
      const { d } = privateKeyFrom(one.private_pkcs8_base64).export({ format: 'jwk' })
      expect(Buffer.from(d!, 'base64url').toString('hex')).toBe(one.seed_hex)
    },
  )

  it.each(badKeys.small_order.map((one) => [one.raw_hex, one] as const))(
    '%s is refused, being of small order',
    (_hex, { public_spki_base64: text }) => {
      expect(() => publicKeyFrom(text)).toThrow(/small order/)
    },
  )

  it('of small order would let anyone sign, which is why', async () => {
    const { createPublicKey } = await import('node:crypto')
    const [{ public_spki_base64: text, forged_signature_base64: forged } = badKeys.small_order[0]!] =
      badKeys.small_order
    const identity = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
    expect(verify(null, Buffer.from('any message'), identity, Buffer.from(forged, 'base64'))).toBe(true)
  })

  it.each(badKeys.malformed.map((one) => [one.why, one.key] as const))('%s: is refused', (_why, text) => {
    expect(() => publicKeyFrom(text)).toThrow(/SPKI/)
  })

  it('that are private and wrong are refused without a word of them', () => {
    const text = key('feed-instance').private_pkcs8_base64
    for (const wrong of [text.slice(0, -1), `${text}A`, text.replace('MC4', 'MC5'), '', 'hush'])
      expect(() => privateKeyFrom(wrong)).toThrow(
        /^not the base64 of an Ed25519 private key in PKCS8 form \(64 characters, from MC4CAQAw on\)$/,
      )
  })
})

describe('JSON rules', () => {
  it.each(jsonRules.map(({ text, ok, note = 'fine' }) => [text, ok, note] as const))(
    '%s is taken: %s (%s)',
    (text, ok) => {
      if (ok) expect(parseStrictJson(text, 'all')).toEqual(JSON.parse(text))
      else expect(() => parseStrictJson(text, 'all')).toThrow(SyntaxError)
    },
  )
})

it('every file of vectors is used', () => {
  expect(vectorFiles()).toEqual(consumedFiles())
})
