import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sceneIn } from '../packets'
import { encodePrice, MAX_PRICE_BYTES, parsePrice, priceText, type SentPrice } from '../price'
import { bare, PriceJudge, type PriceRules } from '../price-judge'
import { fixture, identityOf, key, problemIn } from './vectors'

interface Vector {
  name: string
  room: string
  now_ms: number
  sender_address: string
  trusted_signers: string[]
  scene_id: string
  data_utf8: string
  rfc4_packet_hex: string
  after?: string[]
  expect: { ok: boolean; reason?: string; feed?: string; value?: string; observed_at?: number; seq?: number }
}

const { vectors } = fixture<{ vectors: Vector[] }>('price-payloads.json')
const bytes = (text: string) => Buffer.from(text, 'utf8')
const alice = key('alice').address_lower
const room = 'comms.example.com/rooms/prices'
const sentBy = (address: string) => ({ address, badChains: 0 })

const rules = (over: Partial<PriceRules> = {}): PriceRules => ({
  signers: new Set([alice]),
  trustServer: false,
  maxAgeMs: 60_000,
  isKnownFeed: () => true,
  ...over,
})

/** What a vector comes to for this judge: as when its frame is received. */
const outcome = (judge: PriceJudge, vector: Vector) => {
  const scene = sceneIn(Buffer.from(vector.rfc4_packet_hex, 'hex'))
  expect(scene?.sceneId).toBe(vector.scene_id)
  expect(Buffer.from(scene!.data).toString('utf8')).toBe(vector.data_utf8)
  const price = parsePrice(scene!.data)
  if (price === undefined) return 'malformed'
  const verdict = judge.judge(price, sentBy(vector.sender_address), vector.room, vector.now_ms)
  return verdict.ok ? bare(price) : verdict.problem
}

describe('a price in a scene', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))(
    'counts or does not: %s',
    (_name, vector) => {
      const judge = new PriceJudge(rules({ signers: new Set(vector.trusted_signers) }))
      for (const name of vector.after ?? [])
        outcome(
          judge,
          vectors.find((each) => each.name === name)!,
        )
      const { ok, feed, value, observed_at: observedAt, seq } = vector.expect
      expect(outcome(judge, vector)).toEqual(ok ? { feed, value, observedAt, seq } : problemIn(vector.expect))
    },
  )

  it('is read back as it was written, to the last digit', () => {
    const price = { feed: 'ETH/USD', value: '0.12345678901234567890123456789000', observedAt: 1, seq: 2 }
    const chain = identityOf('alice').vouchFor(priceText(room, price))
    expect(parsePrice(encodePrice(price, chain))).toEqual({ ...price, chain })
  })

  const good = { v: 1, feed: 'ETH/USD', value: '1.5', observed_at: 1, seq: 1 }
  it.each(['0', '-0', '-1.50', `0.${'0'.repeat(61)}1`, '9'.repeat(64)])(
    'NU-3: has the value %s as it was sent',
    (value) => {
      expect(parsePrice(bytes(JSON.stringify({ ...good, value })))).toMatchObject({ value })
    },
  )

  it.each([
    { v: 2 },
    { v: '1' },
    { feed: '' },
    { feed: 'x'.repeat(65) },
    { feed: 'ETH\u00a0USD' },
    { feed: 7 },
    { value: '01' },
    { value: '+1' },
    { value: '.5' },
    { value: '1.' },
    { value: '1e3' },
    { value: '１' },
    { value: '1\n' },
    { value: '9'.repeat(65) },
    { value: null },
    { observed_at: -1 },
    { observed_at: 1.5 },
    { observed_at: '1' },
    { observed_at: 2 ** 53 },
    { seq: -1 },
    { seq: null },
  ])('is none: %j', (wrong) => {
    expect(parsePrice(bytes(JSON.stringify({ ...good, ...wrong })))).toBeUndefined()
  })

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['nothing', 'null'],
    ['deep', `{"v":1,"x":[[[[]]]],${JSON.stringify(good).slice(1)}`],
    ['deep without end', '['.repeat(8_000)],
    ['long', JSON.stringify({ ...good, x: 'x'.repeat(MAX_PRICE_BYTES) })],
  ])('is none: %s', (_name, text) => {
    expect(parsePrice(bytes(text))).toBeUndefined()
  })

  it('is none in bytes that are not UTF-8', () => {
    const data = bytes(JSON.stringify({ ...good, x: 'é' }))
    expect(parsePrice(data)).toBeDefined()
    data[data.indexOf(0xc3)] = 0xff
    expect(parsePrice(data)).toBeUndefined()
  })

  it('with brackets in its texts is not deep', () => {
    const text = JSON.stringify({ ...good, feed: '[[[["{{{{' })
    expect(parsePrice(bytes(text))).toMatchObject({ feed: '[[[["{{{{' })
  })

  it('survives ten thousand mutations: each is a price or none', () => {
    const price = { feed: 'ETH/USD', value: '1.5', observedAt: 1_000, seq: 1 }
    const data = encodePrice(price, identityOf('alice').vouchFor(priceText(room, price)))
    const judge = new PriceJudge(rules({ maxAgeMs: 1_000 }))
    const change = fc.tuple(fc.nat(data.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const mutated = Buffer.from(data)
        for (const [at, byte] of changes) mutated[at] = byte
        const read = parsePrice(mutated)
        if (read === undefined) return
        // Its signature cannot be right any more, unless what changed is of no meaning.
        const verdict = judge.judge(read, sentBy(alice), room, 1_000)
        if (verdict.ok) expect(bare(read)).toEqual(price)
      }),
      { numRuns: 10_000 },
    )
  })
})

describe('the judge of prices', () => {
  const identity = identityOf('alice')
  const now = Date.now()
  const priced = (over: Partial<SentPrice> = {}): SentPrice => {
    const price = { feed: 'ETH/USD', value: '1.5', observedAt: now, seq: 1, ...over }
    return { ...price, chain: 'chain' in over ? over.chain : identity.vouchFor(priceText(room, price)) }
  }
  const judged = (judge: PriceJudge, price: SentPrice, sender = sentBy(alice)) =>
    judge.judge(price, sender, room, now)
  const good = (lost = 0) => ({ ok: true, signer: alice, lost })
  const bad = (problem: string) => ({ ok: false, problem })

  it('counts the messages that are missing', () => {
    const judge = new PriceJudge(rules())
    expect(judged(judge, priced({ seq: 7 }))).toEqual(good(0))
    expect(judged(judge, priced({ seq: 8 }))).toEqual(good(0))
    expect(judged(judge, priced({ seq: 69 }))).toEqual(good(60))
    expect(judged(judge, priced({ seq: now }))).toEqual(good(1))
    expect(judged(judge, priced({ seq: 68 }))).toEqual(bad('replay'))
    // Numbers are those of one feed.
    expect(judged(judge, priced({ feed: 'BTC/USD', seq: 3 }))).toEqual(good(0))
  })

  it('looks at nothing dear before what is cheap', () => {
    const chain = [{ type: 'SIGNER', payload: alice, signature: '' }]
    const judge = new PriceJudge(rules({ isKnownFeed: (feed) => feed === 'ETH/USD' }))
    expect(judged(judge, priced({ feed: 'X', chain }))).toEqual(bad('unknown-feed'))
    expect(judged(judge, priced({ observedAt: now - 60_001, chain }))).toEqual(bad('stale'))
    expect(judged(judge, priced({ observedAt: now + 5_001, chain }))).toEqual(bad('stale'))
    expect(judged(new PriceJudge(rules({ signers: new Set() })), priced({ chain }))).toEqual(
      bad('unknown-signer'),
    )
    expect(judged(judge, priced())).toEqual(good())
    expect(judged(judge, priced({ chain }))).toEqual(bad('replay'))
    expect(judged(judge, priced({ seq: 2, chain }))).toEqual(bad('malformed'))
  })

  it('FR-1: takes nothing where the limit of age is no number', () => {
    const judge = new PriceJudge(rules({ maxAgeMs: Number.NaN }))
    expect(judged(judge, priced())).toEqual(bad('stale'))
  })

  it('does not let a price of another count as heard', () => {
    const judge = new PriceJudge(rules())
    const forged = priced({ seq: 99, chain: identityOf('mallory').vouchFor('x') })
    expect(
      judged(judge, {
        ...forged,
        chain: [{ type: 'SIGNER', payload: alice, signature: '' }, ...(forged.chain as object[]).slice(1)],
      }).ok,
    ).toBe(false)
    expect(judged(judge, priced({ seq: 1 }))).toEqual(good())
  })

  it('takes a price of any sender, when its signer is listed', () => {
    expect(judged(new PriceJudge(rules()), priced(), sentBy(key('bob').address_lower))).toEqual(good())
  })

  it('takes an unsigned price where the server is trusted, by the address of the sender alone', () => {
    const unsigned = priced({ chain: undefined })
    expect(judged(new PriceJudge(rules()), unsigned)).toEqual(bad('malformed'))
    const trusting = new PriceJudge(rules({ trustServer: true }))
    expect(judged(trusting, unsigned, sentBy(key('bob').address_lower))).toEqual(bad('unknown-signer'))
    expect(judged(trusting, unsigned)).toEqual(good())
    // A signature that is there still has to be right.
    expect(judged(trusting, priced({ seq: 2, chain: identityOf('mallory').vouchFor('x') }))).toEqual(
      bad('unknown-signer'),
    )
    expect(judged(trusting, priced({ seq: 2, chain: null }))).toEqual(bad('malformed'))
  })

  it('stops checking for a sender of bad chains, and listens to the others', () => {
    const judge = new PriceJudge(rules())
    const forged = (seq: number) => {
      const price = priced({ seq })
      const chain = structuredClone(price.chain) as { signature: string }[]
      chain.at(-1)!.signature = identityOf('mallory').vouchFor(priceText(room, price)).at(-1)!.signature
      return { ...price, chain }
    }
    const mallory = sentBy(key('mallory').address_lower)
    for (let seq = 1; seq <= 10; seq++)
      expect(judged(judge, forged(seq), mallory)).toEqual(bad('bad-signature'))
    expect(judged(judge, forged(11), mallory)).toEqual(bad('muted'))
    expect(judged(judge, priced(), mallory)).toEqual(bad('muted'))
    expect(judged(judge, priced())).toEqual(good())
  })

  it('does no more than 200 checks in a second', () => {
    const judge = new PriceJudge(rules())
    const chain = [
      { type: 'SIGNER', payload: alice, signature: '' },
      { type: 'FOO', payload: '' },
    ]
    for (let seq = 1; seq <= 200; seq++)
      expect(judged(judge, priced({ seq, chain }))).toEqual(bad('malformed'))
    expect(judged(judge, priced())).toEqual(bad('busy'))
    expect(judge.judge(priced(), sentBy(alice), room, now + 1_000)).toEqual(good())
  })

  it('remembers ten thousand feeds, and forgets those that would be too old anyway', () => {
    const judge = new PriceJudge(rules({ trustServer: true, maxAgeMs: 1_000 }))
    const unsigned = (feed: string, observedAt: number) => priced({ feed, observedAt, chain: undefined })
    const at = (feed: string, time: number) => judge.judge(unsigned(feed, time), sentBy(alice), room, time)
    for (let feed = 0; feed < 10_000; feed++) expect(at(`F${feed}`, now).ok).toBe(true)
    expect(at('one more', now + 1_000)).toEqual(bad('too-many-feeds'))
    expect(at('one more', now + 1_001)).toEqual(good())
  })
})
