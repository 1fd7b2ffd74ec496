import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { serve, type Served } from '../../src/testing/serve'
import { JSON_HEADERS, keyOf, stillAdapter, type StillAdapter, stoppable } from './support'

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
])('IS-2: %s is answered with 500 every time, and ends nothing', async (_name, response) => {
  await using started = await start()
  const { url, still } = started
  await post(url, BODY)
  await still.local().set(keyOf('eth', 'usd'), response as never, 60_000)
  for (let time = 0; time < 3; time++) expect((await post(url, BODY)).status).toBe(500)
  await still.transport.put(ETH, 7)
  expect(JSON.parse((await post(url, BODY)).text)).toMatchObject({ result: 7 })
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
