import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { serve } from '../../src/testing/serve'
import { defaultLoggerFactory } from '../../src/util/logging'
import { JSON_HEADERS, stillAdapter, WAYS } from './support'

const ETH = { base: 'ETH', quote: 'USD' }

/** As they are written. Loggers keep the first factory that they meet. */
const lines: string[] = []
vi.stubEnv('LOG_LEVEL', 'trace')
const loggerFactory = defaultLoggerFactory({ write: (line) => void lines.push(line) })
vi.unstubAllEnvs()

afterEach(() => void (lines.length = 0))

/** What breaks a log: line ends, quotes, terminal sequences, lines that look like ours. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '\n{"level":"fatal","msg":"all is lost"}\n',
    '\u001b[2J\u001b[31m',
    '"}\r\n{"',
    '\u2028\u0000\ud800',
  ),
  fc.integer({ min: 2_000, max: 20_000 }).map((length) => 'x\n'.repeat(length)),
)
const UNKNOWN = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter(
    (name) =>
      !/^(base|from|coin|quote|to|market|endpoint|transport|overrides|adapterNameOverride|__proto__|constructor|prototype)$/.test(
        name,
      ),
  )

/** What the server's parser takes: it refuses a body with one of these keys, however deep (`any-input.test.ts` sends such ones). */
const JSON_VALUE = fc.jsonValue().filter((value) => !/"(__proto__|constructor)"/.test(JSON.stringify(value)))

describe.each(WAYS)(
  'HT-3: what a client sends, where requests are $way',
  { timeout: 60_000 },
  ({ requestTransforms }) => {
    const start = async () => {
      const still = stillAdapter({ endpoint: { requestTransforms } })
      const service = await serve(still.adapter, {
        env: { CACHE_POLLING_MAX_RETRIES: '0' },
        dependencies: { loggerFactory },
      })
      await still.transport.put(ETH, 5)
      const send = (body: unknown, headers: Record<string, string> = {}) =>
        service.api.inject({
          method: 'POST',
          url: '/',
          headers: { ...JSON_HEADERS, ...headers },
          payload: JSON.stringify(body),
        })
      return { ...still, service, send, [Symbol.asyncDispose]: () => service.stop() }
    }

    it('is one feed under every alias, with any unknown members beside', async () => {
      await using rig = await start()
      const named = fc.tuple(
        fc.constantFrom('base', 'from', 'coin'),
        fc.constantFrom('quote', 'to', 'market'),
      )
      const property = fc.asyncProperty(
        named,
        fc.dictionary(UNKNOWN, JSON_VALUE),
        async ([base, quote], more) => {
          const reply = await rig.send({
            data: { ...more, [base]: 'ETH', [quote]: 'USD' },
            ...more,
            endpoint: 'price',
          })
          // A member of the body that is called as one of the request's is that.
          if (!('data' in more)) expect([reply.statusCode, reply.json()]).toMatchObject([200, { result: 5 }])
          expect((await rig.transport.wanted()).length).toBeLessThanOrEqual(1)
        },
      )
      await fc.assert(property, { numRuns: 40 })
      expect(await rig.transport.wanted()).toEqual([ETH])
    })

    it('is refused with 400 and the name of the field where it is not what the field takes', async () => {
      await using rig = await start()
      const wrong = JSON_VALUE.filter((value) => typeof value !== 'string')
      const property = fc.asyncProperty(fc.constantFrom('base', 'quote'), wrong, async (field, value) => {
        const reply = await rig.send({ data: { ...ETH, [field]: value } })
        expect(reply.statusCode).toBe(400)
        expect(reply.json<{ error: { message: string } }>().error.message).toContain(`[Param: ${field}]`)
      })
      await fc.assert(property, { numRuns: 40 })
      expect(await rig.transport.wanted()).toEqual([])
    })

    it('is in one line of the log, escaped and of bounded length, wherever it stands', async () => {
      await using rig = await start()
      const property = fc.asyncProperty(hostile, hostile, async (text, other) => {
        const before = lines.length
        const headers = {
          'x-correlation-id': Buffer.from(text.slice(0, 200))
            .toString('latin1')
            .replace(/[^\x20-\x7e]/g, '?'),
        }
        await rig.send({ endpoint: text, data: { base: other, quote: 5, [text]: other } }, headers)
        await rig.send({ data: { base: text, quote: [other] } })
        await rig.send({ data: { base: text, quote: other } })
        await rig.service.api.inject({
          method: 'POST',
          url: '/',
          headers: JSON_HEADERS,
          payload: `{"${text}`,
        })
        for (const line of lines.slice(before)) {
          expect(line.endsWith('\n')).toBe(true)
          // eslint-disable-next-line no-control-regex -- none of them may be in a line
          expect(line.slice(0, -1)).not.toMatch(/[\x00-\x1f]/)
          expect(() => JSON.parse(line) as unknown).not.toThrow()
          expect(line.length).toBeLessThan(12_000)
        }
      })
      await fc.assert(property, { numRuns: 25 })
      expect(lines.length).toBeGreaterThan(25)
    })
  },
)

describe.each(WAYS)(
  'HT-2: a body that is not sent as JSON, where requests are $way',
  ({ requestTransforms }) => {
    it('is refused with 415 or 400, and why, whatever its type says', async () => {
      const still = stillAdapter({ endpoint: { requestTransforms } })
      await using service = await serve(still.adapter)
      await still.transport.put(ETH, 5)
      const token = fc.stringMatching(/^[a-z][a-z0-9.+-]{0,15}$/)
      const type = fc
        .tuple(token, token)
        .map((parts) => parts.join('/'))
        .filter((text) => text !== 'application/json')
      await fc.assert(
        fc.asyncProperty(fc.oneof(type, fc.constant('text/plain')), async (contentType) => {
          const headers = { 'content-type': contentType }
          const reply = await service.api.inject({
            method: 'POST',
            url: '/',
            headers,
            payload: JSON.stringify({ data: ETH }),
          })
          expect([400, 415]).toContain(reply.statusCode)
          expect(reply.body).toMatch(/Unsupported Media Type|Content type not .*application.json/)
        }),
        { numRuns: 25 },
      )
    })
  },
)
