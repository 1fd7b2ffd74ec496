import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { LwbaEndpoint } from '../../src/adapter/lwba-endpoint'
import { serve, type Served } from '../../src/testing/serve'
import {
  JSON_HEADERS,
  keyOf,
  priceParameters,
  stillAdapter,
  type StillAdapter,
  StillTransport,
  stoppable,
} from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BODY = JSON.stringify({ data: ETH })

afterEach(() => void vi.restoreAllMocks())

const start = async (before?: (api: Served['api']) => void) => {
  const still = stillAdapter()
  const service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
  before?.(service.api)
  const url = await service.api.listen({ host: '127.0.0.1', port: 0 })
  await still.transport.put(ETH, 5)
  return stoppable({ still, service, url, validations: countPreparations(still) })
}

/** How often a request took the long way and was prepared. */
const countPreparations = ({ endpoint }: StillAdapter) => vi.spyOn(endpoint.inputParameters, 'validateInput')

const post = async (url: string, body: string, headers: Record<string, string> = JSON_HEADERS) => {
  const response = await fetch(url, { method: 'POST', body, headers })
  const { status } = response
  return { status, type: response.headers.get('content-type'), text: await response.text() }
}

/** Speaks HTTP/1.1 by hand, so that a test decides which bytes travel together. */
const dial = async (url: string): Promise<Socket> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
const head = (length: number, more = '') =>
  `POST / HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`
/** A request that both ways answer, from a plan, by now. */
const known = async (url: string): Promise<string> => {
  const request = head(BODY.length) + BODY
  const socket = await dial(url)
  for (let time = 0; time < 3; time++) {
    socket.write(request)
    await replies(socket, 1)
  }
  socket.destroy()
  return request
}
const replies = async (socket: Socket, count: number): Promise<string[]> => {
  let text = ''
  const found = () => text.split(/(?=HTTP\/1\.1 )/).filter((reply) => reply.includes('}'))
  while (found().length < count) text += String(((await once(socket, 'data')) as [Buffer])[0])
  return found()
}

describe('a body seen before, over the wire', () => {
  it('is answered like the first one, without being prepared again', async () => {
    await using started = await start()
    const { url, still, validations } = started
    const first = await post(url, BODY)
    expect(first).toMatchObject({ status: 200, type: 'application/json; charset=utf-8' })
    for (let time = 0; time < 3; time++) expect(await post(url, BODY)).toEqual(first)
    expect(validations).toHaveBeenCalledTimes(1)
    const feed = still.endpoint.responseCache?.feed('default_single_transport', ETH)
    expect(feed).toMatchObject({ gets: 4, hits: 4 })
    expect(await still.transport.wanted()).toEqual([ETH])
  })

  it('is answered with the value of now, an error as an error, and nothing when that is gone', async () => {
    await using started = await start()
    const { url, still } = started
    await post(url, BODY)
    await still.transport.put(ETH, 6)
    expect(JSON.parse((await post(url, BODY)).text)).toMatchObject({ result: 6 })
    await still.local().delete(keyOf('eth', 'usd'))
    expect((await post(url, BODY)).status).toBe(504)
    await still.transport.putError(ETH, 502, 'closed for today')
    const refused = await post(url, BODY)
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      502,
      { errorMessage: 'closed for today' },
    ])
  })

  it('may come in pieces, late, or several in one packet', async () => {
    await using started = await start()
    const { url } = started
    const { text } = await post(url, BODY)
    const socket = await dial(url)
    socket.write(head(BODY.length) + BODY.slice(0, 9))
    await new Promise((resolve) => setImmediate(resolve))
    socket.write(BODY.slice(9))
    expect((await replies(socket, 1))[0]).toContain(text)
    socket.write((head(BODY.length) + BODY).repeat(3))
    const three = await replies(socket, 3)
    expect(three.map((reply) => reply.slice(reply.indexOf('{')))).toEqual([text, text, text])
    socket.write(`${head(BODY.length, 'expect: 100-continue\r\n')}${BODY}`)
    expect((await replies(socket, 1))[0]).toContain(text)
    socket.destroy()
  })

  it('counts by its bytes: a mark in front or another text is another body', async () => {
    await using started = await start()
    const { url, validations } = started
    await post(url, BODY)
    expect((await post(url, `\ufeff${BODY}`)).status).toBe(200)
    const umlaut = JSON.stringify({ data: { base: 'ÄTH', quote: 'USD' } })
    for (let time = 0; time < 2; time++) expect((await post(url, umlaut)).status).toBe(504)
    expect(validations).toHaveBeenCalledTimes(3)
    expect((await post(url, BODY)).status).toBe(200)
  })

  it.each<[string, string, Record<string, string>]>([
    ['another content type', BODY, { 'content-type': 'text/plain' }],
    ['a content type with parameters', BODY, { 'content-type': 'application/json; charset=utf-8' }],
    ['broken JSON', '{"data":', JSON_HEADERS],
    ['an unknown endpoint', '{"endpoint":"nope"}', JSON_HEADERS],
    ['a very long body', JSON.stringify({ data: { ...ETH, more: 'x'.repeat(9_000) } }), JSON_HEADERS],
  ])('%s is answered as if there were no lane', async (_name, body, headers) => {
    await using started = await start()
    const { url, service } = started
    await post(url, BODY)
    const injected = await service.api.inject({ method: 'POST', url: '/', payload: body, headers })
    for (let time = 0; time < 2; time++) {
      const reply = await post(url, body, headers)
      expect(reply).toEqual({
        status: injected.statusCode,
        type: injected.headers['content-type'],
        text: injected.body,
      })
    }
  })
})

it.each<[string, object]>([
  ['a value that JSON cannot show', { result: 1, data: { result: 10n } }],
  ['a status that HTTP has not', { result: 1, data: {}, statusCode: 1_000 }],
  ['a status without a body', { result: 1, data: {}, statusCode: 204 }],
])('IS-2: %s is answered with 502 every time, and ends nothing', async (_name, response) => {
  await using started = await start()
  const { url, still } = started
  await post(url, BODY)
  await still.local().set(keyOf('eth', 'usd'), response as never, 60_000)
  for (let time = 0; time < 3; time++) expect((await post(url, BODY)).status).toBe(502)
  await still.transport.put(ETH, 7)
  expect(JSON.parse((await post(url, BODY)).text)).toMatchObject({ result: 7 })
})

describe.skipIf(process.env.FAST_LANE === 'off')('the short way', () => {
  /** How many requests the server itself has seen. */
  const countRequests = (service: Served) => {
    let count = 0
    service.api.server.on('request', () => count++)
    return () => count
  }

  it('takes the third request of a kind, never the first of a connection, and says what the server says', async () => {
    await using started = await start()
    const { url, service } = started
    const seen = countRequests(service)
    const request = head(BODY.length) + BODY
    const socket = await dial(url)
    const answers: string[] = []
    for (let time = 0; time < 4; time++) {
      socket.write(request)
      answers.push(...(await replies(socket, 1)))
    }
    expect(seen()).toBe(2)
    const parts = (answer: string) =>
      answer
        .replace(/^Date: .*$/im, 'Date: now')
        .toLowerCase()
        .split('\r\n')
        .sort()
    for (const answer of answers) expect(parts(answer)).toEqual(parts(answers[0]!))

    const second = await dial(url)
    second.write(request)
    await replies(second, 1)
    expect(seen()).toBe(3)
    second.write(request)
    await replies(second, 1)
    expect(seen()).toBe(3)
    socket.destroy()
    second.destroy()
  })

  it('is taken by requests of nodes, whatever their run and the last answer, and remembers nothing of those', async () => {
    await using started = await start()
    const { url, service, validations } = started
    const seen = countRequests(service)
    const socket = await dial(url)
    const node = (run: number) => {
      const meta = { latestAnswer: 3_000 + run, updatedAt: 1_700_000_000 + run }
      const body = JSON.stringify({ data: ETH, id: `run-${run}`, meta })
      return head(body.length) + body
    }
    const answers = new Set<string>()
    for (let run = 1_000; run < 1_500; run++) {
      socket.write(node(run))
      const [answer = ''] = await replies(socket, 1)
      answers.add(answer.slice(answer.indexOf('{')))
    }
    expect(answers.size).toBe(1)
    expect(validations).toHaveBeenCalledTimes(1)
    // The first one of the connection, and the second one, whose head is learned when it is answered from a plan.
    expect(seen()).toBe(2)
    socket.destroy()
  })

  it('is not there where a setting says so', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, {
      env: { CACHE_POLLING_MAX_RETRIES: '0', FAST_LANE_ENABLED: 'false' },
      listen: true,
    })
    await still.transport.put(ETH, 5)
    const seen = countRequests(service)
    await known(service.url!)
    expect(seen()).toBe(3)
  })

  it('is taken for bid and ask as well, whose rule is kept when they are written, contract 18.4', async () => {
    const transport = new StillTransport()
    const of = { name: 'price', inputParameters: priceParameters(), transport: transport as never }
    const make = () =>
      new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [new LwbaEndpoint(of)] })
    await using service = await serve(make, { env: { CACHE_POLLING_MAX_RETRIES: '0' }, listen: true })
    const timestamps = {
      providerDataStreamEstablishedUnixMs: 1,
      providerDataReceivedUnixMs: 2,
      providerIndicatedTimeUnixMs: undefined,
    }
    const response = { result: null, data: { bid: 1, mid: 2, ask: 3 }, timestamps }
    await transport.responseCache.write(transport.name, [{ params: ETH, response: response as never }])
    const seen = countRequests(service)
    const socket = await dial(service.url!)
    for (let time = 0; time < 4; time++) {
      socket.write(head(BODY.length) + BODY)
      expect((await replies(socket, 1))[0]).toContain('"mid":2')
    }
    expect(seen()).toBe(2)
    socket.destroy()
  })

  it('is left by a connection on which bytes came in pieces or in a crowd, and by no other', async () => {
    await using started = await start()
    const { url, service } = started
    const request = await known(url)
    const seen = countRequests(service)
    const odd = await dial(url)
    odd.write(request)
    await replies(odd, 1)
    odd.write(request + request)
    await replies(odd, 2)
    expect(seen()).toBe(1)
    const unknown = BODY.replace('ETH', 'BTC')
    odd.write(head(unknown.length) + unknown + request)
    await replies(odd, 2)
    odd.write(request)
    await replies(odd, 1)
    expect(seen()).toBe(4)
    const accepting = once(service.api.server, 'connection') as Promise<[Socket]>
    const pieces = await dial(url)
    const [accepted] = await accepting
    pieces.write(request.slice(0, 40))
    while (accepted.bytesRead < 40) await new Promise((resolve) => setImmediate(resolve))
    pieces.write(request.slice(40))
    await replies(pieces, 1)
    pieces.write(request)
    await replies(pieces, 1)
    expect(seen()).toBe(6)
    await known(url)
    expect(seen()).toBe(7)
    odd.destroy()
    pieces.destroy()
  })

  it.each<[string, string]>([
    ['connection: close', 'connection: close\r\n'],
    ['expect: 100-continue', 'expect: 100-continue\r\n'],
  ])('never learns a request with %s', async (_name, more) => {
    await using started = await start()
    const { url, service } = started
    const request = head(BODY.length, more) + BODY
    await known(url)
    const seen = countRequests(service)
    for (let time = 1; time <= 3; time++) {
      const socket = await dial(url)
      socket.write(head(BODY.length) + BODY)
      await replies(socket, 1)
      socket.write(request)
      await replies(socket, 1)
      expect(seen()).toBe(2 * time)
      socket.destroy()
    }
  })

  it('lets a client that does not read wait, as the server would', async () => {
    await using started = await start()
    const { url, still, service } = started
    const request = await known(url)
    const large = 'x'.repeat(4_000_000)
    await still
      .local()
      .set(
        keyOf('eth', 'usd'),
        { result: 1, data: { large }, statusCode: 200, timestamps: {} } as never,
        60_000,
      )
    const seen = countRequests(service)
    const socket = await dial(url)
    socket.write(request)
    socket.pause()
    const accepted = await new Promise<Socket>((resolve) =>
      service.api.server.once('request', (req) => resolve(req.socket)),
    )
    for (let time = 0; time < 20; time++) {
      socket.write(request)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(accepted.writableLength).toBeLessThan(3 * large.length)
    expect(seen()).toBeGreaterThan(0)
    socket.destroy()
    await new Promise((resolve) => accepted.once('close', resolve))
  })

  it('holds up no close of the server', async () => {
    const started = await start()
    const { url, service } = started
    const request = await known(url)
    const socket = await dial(url)
    for (let time = 0; time < 2; time++) {
      socket.write(request)
      await replies(socket, 1)
    }
    const gone = once(socket, 'close')
    socket.resume()
    await service.stop()
    await gone
  })

  it('answers whatever a client cuts its bytes into as the server alone does', async () => {
    await using fast = await start()
    await using slow = await start((api) => void api.addHook('onRequest', (_req, _reply, done) => done()))
    const other = JSON.stringify({ data: { base: 'BTC', quote: 'USD' } })
    const unknown = '{"endpoint":"nope"}'
    const requests = [BODY, BODY, BODY, other, unknown].map((body) => head(body.length) + body)
    const answersOf = async (url: string, pieces: string[], count: number) => {
      const socket = await dial(url)
      socket.setNoDelay()
      let text = ''
      const found = () => text.split(/(?=HTTP\/1\.1 )/).filter((reply) => reply.endsWith('}'))
      const all = new Promise<void>((resolve) => {
        socket.on('data', (chunk: Buffer) => {
          text += String(chunk)
          if (found().length === count) resolve()
        })
      })
      for (const piece of pieces) {
        socket.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await all
      socket.destroy()
      return found().map((reply) => [
        reply.slice(9, 12),
        reply.slice(reply.indexOf('{')).replace(/\d{6,}/g, 'T'),
      ])
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...requests), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(1_500), { maxLength: 4 }),
        async (sequence, cuts) => {
          const text = sequence.join('')
          const at = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length]
          const pieces = at
            .slice(1)
            .map((end, index) => text.slice(at[index], end))
            .filter(Boolean)
          expect(await answersOf(fast.url, pieces, sequence.length)).toEqual(
            await answersOf(slow.url, pieces, sequence.length),
          )
        },
      ),
      { numRuns: 50 },
    )
  })
})

it('answers what is known in front of rubbish, and refuses that, as the server alone does', async () => {
  await using fast = await start()
  await using slow = await start((api) => void api.addHook('onRequest', (_req, _reply, done) => done()))
  const unknown = BODY.replace('ETH', 'BTC')
  const endings = ['rubbish\r\n\r\n', 'GET', 'POST / HTTP/1.1\r\nbad header\r\n\r\n', '\0', '{}']
  const sequences = [[], [BODY], [BODY, BODY], [BODY, unknown], [BODY, BODY, unknown]]
  const said = async (url: string, packet: string) => {
    await known(url)
    const socket = await dial(url)
    socket.write(head(BODY.length) + BODY)
    await replies(socket, 1)
    let text = ''
    socket.on('data', (chunk: Buffer) => void (text += String(chunk)))
    socket.end(packet)
    await once(socket, 'close')
    return text
      .split(/(?=HTTP\/1\.1 )/)
      .map((reply) => [reply.slice(9, 12), reply.slice(reply.indexOf('\r\n\r\n')).replace(/\d{6,}/g, 'T')])
  }
  for (const sequence of sequences) {
    for (const ending of endings) {
      const packet = sequence.map((body) => head(body.length) + body).join('') + ending
      expect(await said(fast.url, packet), packet).toEqual(await said(slow.url, packet))
    }
  }
})

it('whoever hooks into the requests of the server sees all of them', async () => {
  const seen: string[] = []
  await using started = await start((api) => {
    void api.register(async (plugin) => {
      plugin.addHook('onSend', async () => void seen.push('plugin'))
    })
    api.addHook('onRequest', async (req) => void seen.push(req.method))
  })
  const { url } = started
  for (let time = 0; time < 3; time++) await post(url, BODY)
  expect(seen.filter((what) => what === 'POST')).toHaveLength(3)
})

it('a client that leaves before its body came costs nothing', async () => {
  await using started = await start()
  const { url } = started
  await post(url, BODY)
  const socket = await dial(url)
  socket.write(head(BODY.length))
  socket.destroy()
  expect((await post(url, BODY)).status).toBe(200)
})

it('a server that is closing answers by itself, and tells clients to go', async () => {
  let finish = () => {}
  const mayClose = new Promise<void>((resolve) => (finish = resolve))
  await using started = await start((api) => void api.addHook('preClose', () => mayClose))
  const { url, service } = started
  const socket = await dial(url)
  socket.write(head(BODY.length) + BODY)
  expect((await replies(socket, 1))[0]).toContain('Connection: keep-alive')
  const closed = service.api.close()
  socket.write(head(BODY.length) + BODY)
  expect((await replies(socket, 1))[0]).toContain('onnection: close')
  socket.destroy()
  finish()
  await closed
})
