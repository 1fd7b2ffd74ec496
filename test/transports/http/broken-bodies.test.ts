import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { serve } from '../../../src/testing/serve'
import { eventually, PATIENT } from '../../helpers/eventually'
import { httpAdapter, oneByOne, type Types } from './support'
import { type HttpTransportConfig } from '../../../src/public/transports/http'

type Reply = { status?: string; head: string; body: string | Buffer; isReset?: boolean }

/** Answers each request with these bytes, and ends its connection. */
const rawProvider = async (reply: () => Reply) => {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
    socket.once('data', () => {
      const { status = '200 OK', head, body, isReset } = reply()
      socket.write(
        `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nConnection: close\r\n${head}\r\n\r\n`,
      )
      socket.write(body, () => (isReset ? socket.resetAndDestroy() : socket.end()))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}

const BODY = '{"price":5}'
const GZIP = gzipSync(JSON.stringify({ price: 5, note: 'a note that makes it longer' }))
const BROTLI = brotliCompressSync(JSON.stringify({ price: 5, note: 'a note that makes it longer' }))

const sized = (body: string | Buffer, encoding?: string, length = body.length): Reply => ({
  head: `Content-Length: ${length}${encoding === undefined ? '' : `\r\nContent-Encoding: ${encoding}`}`,
  body,
})
const chunked = (body: string): Reply => ({ head: 'Transfer-Encoding: chunked', body })

const withWrongCheck = Buffer.from(GZIP)
withWrongCheck.writeUInt32LE(1, GZIP.length - 8)

const CUT: Record<string, Reply> = {
  'is shorter than its Content-Length': sized(BODY, undefined, 100),
  'ends in a reset': { ...sized(BODY, undefined, 100), isReset: true },
  'ends without its last chunk': chunked(`b\r\n${BODY}\r\n`),
  'ends in a reset between chunks': { ...chunked(`b\r\n${BODY}\r\n`), isReset: true },
  'is compressed, and shorter than its Content-Length': sized(GZIP.subarray(0, -12), 'gzip', GZIP.length),
}

const CORRUPT: Record<string, readonly [reply: Reply, cause: string]> = {
  'is no gzip': [sized(BODY, 'gzip'), 'incorrect header check'],
  'is a gzip with a wrong check sum': [sized(withWrongCheck, 'gzip'), 'incorrect data check'],
  'is longer than its Content-Length': [sized(BODY, undefined, 5), 'Parse Error'],
  'is no brotli': [sized(BODY, 'br'), 'Decompression failed'],
  'has a chunk without a size': [chunked(`zz\r\n${BODY}\r\n`), 'Invalid character in chunk size'],
}

const reasonWith = async (reply: Reply, config: (url: string) => HttpTransportConfig<Types> = oneByOne) => {
  await using provider = await rawProvider(() => reply)
  await using service = await serve(() => httpAdapter(config(provider.url)), {
    env: { CACHE_POLLING_MAX_RETRIES: '0', RETRY: '0' },
  })
  const { statusCode, json, text } = await eventually(async () => {
    const answer = await service.post({ base: 'ETH' })
    expect(answer.json.error?.reason?.class, answer.text).not.toBeOneOf(
      answer.statusCode === 504 ? [undefined, 'starting'] : [],
    )
    return answer
  })
  expect(text).not.toContain(provider.url)
  return { statusCode, reason: json.error?.reason as { code: string; class: string; message: string } }
}

/** Of a request with options of axios. */
const asking =
  (options: object) =>
  (url: string): HttpTransportConfig<Types> => ({
    ...oneByOne(url),
    prepareRequests: (params) =>
      params.map((feed) => ({ params: [feed], request: { baseURL: url, url: `/${feed.base}`, ...options } })),
  })

describe("a body that the provider's answer does not bring whole", () => {
  it.each(Object.entries(CUT))('ER-1: is the reason when it %s', async (_how, reply) => {
    const { statusCode, reason } = await reasonWith(reply)
    expect(statusCode).toBe(504)
    expect(reason).toMatchObject({ code: 'CONNECTION_CLOSED', class: 'network' })
    expect(reason.message).toMatch(
      /^The data provider's answer \(status 200\) was cut off: .*(aborted|ECONNRESET)/,
    )
  })

  it.each(Object.entries(CORRUPT))('ER-1: is the reason when it %s', async (_how, [reply, cause]) => {
    const { statusCode, reason } = await reasonWith(reply)
    expect(statusCode).toBe(504)
    expect(reason).toMatchObject({ code: 'REQUEST_FAILED', class: 'decode' })
    expect(reason.message).toMatch(/^The data provider's answer (\(status 200\) )?could not be read: /)
    expect(reason.message).toContain(cause)
  })

  it('ER-1: is the reason when it is longer than it may be', async () => {
    const { statusCode, reason } = await reasonWith(sized(BODY), asking({ maxContentLength: 5 }))
    expect(statusCode).toBe(504)
    expect(reason).toMatchObject({
      code: 'REQUEST_FAILED',
      class: 'decode',
      message: "The data provider's answer could not be read: maxContentLength size of 5 exceeded",
    })
  })

  it('ER-1: is the reason when it is no JSON, and the author asked for nothing else', async () => {
    const strict = { responseType: 'json', transitional: { silentJSONParsing: false } }
    const { statusCode, reason } = await reasonWith(sized('{"pri'), asking(strict))
    expect(statusCode).toBe(504)
    expect(reason).toMatchObject({ code: 'REQUEST_FAILED', class: 'decode' })
    expect(reason.message).toMatch(/^The data provider's answer \(status 200\) could not be read: .*JSON/)
  })

  // Axios takes what it could decompress for the whole body.
  it.each([
    ['half a gzip', sized(GZIP.subarray(0, -12), 'gzip')],
    ['half a brotli', sized(BROTLI.subarray(0, -8), 'br')],
  ])(
    "ER-1: is the reason when it is %s, and the author's code fails at what is left",
    async (_how, reply) => {
      const { statusCode, reason } = await reasonWith(reply, (url) => ({
        ...oneByOne(url),
        parseResponse: (params, { data }) => {
          const result = Number(data['price']!.toFixed(2))
          return params.map((feed) => ({ params: feed, response: { result, data: { result } } }))
        },
      }))
      expect(statusCode).toBe(504)
      expect(reason).toMatchObject({
        code: 'PARSE_FAILED',
        class: 'decode',
        message:
          "The data provider's answer could not be read: it is no whole JSON, although it is said to be",
      })
    },
  )

  it('17.5: leaves the last value there', async () => {
    let reply = sized(BODY)
    let asked = 0
    await using provider = await rawProvider(() => {
      asked += 1
      return reply
    })
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { ...PATIENT, RETRY: '0', RATE_LIMIT_CAPACITY_SECOND: '1000' },
    })
    expect((await service.post({ base: 'ETH' })).json.result).toBe(5)
    reply = CUT['is shorter than its Content-Length']!
    const before = asked
    await eventually(() => expect(asked).toBeGreaterThan(before + 2))
    const { statusCode, json } = await service.post({ base: 'ETH' })
    expect(statusCode).toBe(200)
    expect(json.result).toBe(5)
  })

  it.each([
    ['is cut', sized(BODY, undefined, 100), /was cut off: .*aborted/],
    ['is corrupt', sized(BODY, 'gzip'), /could not be read: incorrect header check/],
  ])('says so beside the status of an error when it %s', async (_how, reply, cause) => {
    await using provider = await rawProvider(() => ({ ...reply, status: '500 Internal Server Error' }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { ...PATIENT, RETRY: '0' },
    })
    const { statusCode, json } = await service.post({ base: 'ETH' })
    expect(statusCode).toBe(502)
    expect(json.errorMessage).toMatch(/^Provider request failed with status 500: the body /)
    expect(json.errorMessage).toMatch(cause)
  })

  it('is the reason while the request is tried again', async () => {
    await using provider = await rawProvider(() => sized(BODY, undefined, 100))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { CACHE_POLLING_MAX_RETRIES: '0', REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: '60000' },
    })
    await eventually(async () => {
      const { json } = await service.post({ base: 'ETH' })
      expect(json.error.reason).toMatchObject({
        code: 'CONNECTION_CLOSED',
        class: 'network',
        message: "The data provider's answer (status 200) was cut off: stream has been aborted",
        nextAttemptUnixMs: expect.any(Number) as number,
      })
    })
  })
})
