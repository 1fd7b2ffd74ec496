import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { readEntity } from '../entity'
import { PriceGate } from '../price-gate'
import { ReplayMemory } from '../replay-memory'
import { VersiaSigner } from '../signer'
import { pinnedKeys } from '../signers'
import { Verifier } from '../verifier'
import { handled, type PriceFunction, priceText, serveVersia } from './support'
import { key, negativeMessages, NOW_MS, PRICE_TYPE, trustedKeys, validMessages } from './vectors'

const RUNS = 10_000
/** In ms; a machine with other work takes its time for so many. */
const LIMIT = 60_000
const REASONS = new Set([
  'malformed',
  'excessive',
  'legacy_version',
  'unknown_signer',
  'stale',
  'bad_signature',
  'replay',
  'malformed_entity',
  'wrong_author',
])

/** A change of some bytes: replaced, taken out, doubled, or put elsewhere. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  length: fc.integer({ min: 0, max: 8 }),
  bytes: fc.uint8Array({ maxLength: 4 }),
  kind: fc.constantFrom('replace', 'cut', 'double', 'quote'),
})
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never

const mutate = (frame: Buffer, changes: Mutation[]): Buffer =>
  changes.reduce((data, { at, length, bytes, kind }) => {
    const from = Math.floor(at * data.length)
    const [before, part, after] = [
      data.subarray(0, from),
      data.subarray(from, from + length),
      data.subarray(from + length),
    ]
    if (kind === 'cut') return before
    if (kind === 'double') return Buffer.concat([before, part, part, after])
    if (kind === 'quote') return Buffer.concat([before, Buffer.from('"\\{'), after])
    return Buffer.concat([before, bytes, after])
  }, frame)

const texts = [...validMessages, ...negativeMessages].map(({ message_text: text }) => text)
const mutated = fc
  .tuple(fc.constantFrom(...texts), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([text, changes]) => ({ text, frame: mutate(Buffer.from(text), changes) }))

const fieldsIn = (text: string): unknown => {
  const { signature, signed_at, signed_by, entity } = JSON.parse(text) as Record<string, unknown>
  return [signature, signed_at, signed_by, entity]
}

describe('ten thousand broken frames', () => {
  it(
    'IS-2: are each refused for a reason of the table, unless what is signed is as it was, and fill no memory',
    () => {
      const memory = new ReplayMemory()
      const keys = pinnedKeys(trustedKeys('0.6'), '0.6', false, [])
      const of = { version: '0.6', path: '/.versia/v0.6/inbox', memory } as const
      const verifier = new Verifier({ ...of, keys: { keysOf: (name) => keys.get(name) } })
      let accepted = 0
      fc.assert(
        fc.property(mutated, fc.boolean(), ({ text, frame }, isBinary) => {
          const verdict = verifier.verify(frame, isBinary, NOW_MS)
          if (typeof verdict === 'string') return void expect(REASONS).toContain(verdict)
          accepted += 1
          expect(fieldsIn(frame.toString())).toEqual(fieldsIn(text))
        }),
        { numRuns: RUNS },
      )
      expect(memory.size).toBeLessThanOrEqual(texts.length)
      expect(accepted).toBeLessThanOrEqual(texts.length)
    },
    LIMIT,
  )

  it(
    'IS-2: as entities that a trusted signer signed, give a price that can be read, or a reason',
    () => {
      const gate = new PriceGate(PRICE_TYPE, 5_000)
      const entities = fc
        .tuple(fc.array(mutation, { minLength: 1, maxLength: 3 }))
        .map(([changes]) => mutate(Buffer.from(priceText()), changes).toString())
      fc.assert(
        fc.property(entities, (entity) => {
          const read = readEntity(entity, 'feeds.example', '0.6')
          if (typeof read === 'string') return void expect(REASONS).toContain(read)
          const price = gate.check({ signedBy: 'feeds.example', entity: read }, Date.now())
          if (typeof price === 'object') expect(price.value).toMatch(/^-?\d+(\.\d+)?$/)
        }),
        { numRuns: RUNS },
      )
    },
    LIMIT,
  )

  it(
    'over a socket end nothing but themselves',
    async () => {
      await using provider = await wsProvider()
      const price = vi.fn<PriceFunction>()
      await using service = await serveVersia({ connect: { url: provider.url } }, { price })
      const signer = new VersiaSigner({
        signedBy: 'feeds.example',
        privateKey: key('feed-instance').private_pkcs8_base64,
      })
      const connection = await provider.connection()
      const frames = fc.sample(mutated, { numRuns: RUNS, seed: 7 })
      let good = 0
      for (const [index, { frame }] of frames.entries()) {
        connection.send(frame.toString())
        if (index % 50 !== 49) continue
        // A good one now and then, so that the connection is kept.
        connection.send(signer.signMessage(priceText()))
        good += 1
        await handled(connection)
      }
      expect(price).toHaveBeenCalledTimes(good)
      expect(connection.isOpen).toBe(true)
      expect(provider.connections).toHaveLength(1)
      expect(await service.metric('ws_connection_active')).toBeGreaterThanOrEqual(1)
    },
    LIMIT,
  )
})
