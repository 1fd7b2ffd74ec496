import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { answers, type HttpProvider, httpProvider } from '../../src/testing'

/** A client of one request: with the head of its answer, its body, and how it ended. */
const ask = async (provider: HttpProvider, path = '/', headers: Record<string, string> = {}) => {
  const asked = get(`${provider.url}${path}`, { headers, agent: false })
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  // The end of a connection that is cut is told to the response as well.
  asked.on('error', () => {})
  return response
}

const bodyOf = async (response: IncomingMessage): Promise<{ text: string; isCut: boolean }> => {
  let text = ''
  try {
    for await (const part of response) text += String(part)
    return { text, isCut: false }
  } catch {
    return { text, isCut: true }
  }
}

/** What a client gets that is not answered: the code of its error. */
const failureOf = async (provider: HttpProvider): Promise<string | undefined> => {
  const asked = get(provider.url, { agent: false })
  const [error] = (await once(asked, 'error')) as [NodeJS.ErrnoException]
  return error.code
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a loopback provider over HTTP', () => {
  it('shows method, path, query, headers and body of each request, and answers as it is told', async () => {
    await using provider = await httpProvider()
    provider.answer(({ query, json }) => answers.json({ [query.get('s') ?? '']: (json as { p: number }).p }))
    const response = await fetch(`${provider.url}/v2/prices?s=ETH`, {
      method: 'POST',
      headers: { 'x-key': 'k' },
      body: '{"p":7}',
    })
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ ETH: 7 })
    const request = await provider.next()
    expect(request).toMatchObject({
      index: 0,
      method: 'POST',
      path: '/v2/prices?s=ETH',
      text: '{"p":7}',
      json: { p: 7 },
    })
    expect(request.headers['x-key']).toBe('k')
    expect(await request.ended).toBe('answered')
  })

  it('answers with an empty 404 as long as it is told nothing, or its script has nothing to say', async () => {
    await using provider = await httpProvider()
    expect((await ask(provider)).statusCode).toBe(404)
    provider.answer(() => undefined)
    expect((await ask(provider)).statusCode).toBe(404)
  })

  it('answers the next requests otherwise, one after the other, and then as before', async () => {
    await using provider = await httpProvider()
    provider.answer(answers.json({}))
    provider.answerNext(answers.status(500), answers.tooManyRequests(7))
    const responses = [await ask(provider), await ask(provider), await ask(provider)]
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([500, 429, 200])
    expect(responses[1]?.headers['retry-after']).toBe('7')
  })

  it('redirects, and sends what is no JSON, or too much of it', async () => {
    await using provider = await httpProvider()
    provider.answerNext(answers.redirect('/other', 308), answers.garbage(), answers.huge(100_000))
    const redirect = await ask(provider)
    expect([redirect.statusCode, redirect.headers.location]).toEqual([308, '/other'])
    const garbage = await ask(provider)
    expect(garbage.headers['content-type']).toBe('application/json')
    const { text } = await bodyOf(garbage)
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
    const huge = await bodyOf(await ask(provider))
    expect(JSON.parse(huge.text)).toHaveLength(99_998)
  })

  it('announces a body and cuts it in the middle', async () => {
    await using provider = await httpProvider()
    provider.answer(answers.cut('0123456789'))
    const response = await ask(provider)
    expect(response.headers['content-length']).toBe('10')
    expect(await bodyOf(response)).toEqual({ text: '01234', isCut: true })
    expect(await (await provider.next()).ended).toBe('abandoned')
  })

  it('sends a body slowly, in ten pieces, in real time also under a fake clock', async () => {
    await using provider = await httpProvider()
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
    provider.answer(answers.slow('0123456789', 5))
    const beganMs = performance.now()
    const { text } = await bodyOf(await ask(provider))
    expect(text).toBe('0123456789')
    // Ten pieces and an end, each after 5 ms; a timer may fire a little early.
    expect(performance.now() - beganMs).toBeGreaterThan(40)
  })

  it('resets a connection in place of an answer, or never answers', async () => {
    await using provider = await httpProvider()
    provider.answer(answers.reset())
    expect(await failureOf(provider)).toBe('ECONNRESET')
    provider.answer(answers.never())
    const asked = get(provider.url, { agent: false })
    const failed = once(asked, 'error')
    await provider.requested(2)
    asked.destroy()
    // Without an answer.
    expect(((await failed) as [NodeJS.ErrnoException])[0].code).toBe('ECONNRESET')
    expect(await provider.requests[1]?.ended).toBe('abandoned')
  })

  it('refuses connections while it is stopped, and comes back on the same port', async () => {
    await using provider = await httpProvider()
    const { url } = provider
    await provider.stop()
    expect(await failureOf(provider)).toBe('ECONNREFUSED')
    await provider.restart()
    expect(provider.url).toBe(url)
    expect((await ask(provider)).statusCode).toBe(404)
  })

  it('says what came where a request is waited for that does not', async () => {
    await using provider = await httpProvider({ guardMs: 30 })
    await ask(provider, '/a?b=1')
    await expect(provider.next(({ method }) => method === 'PUT')).rejects.toThrow(
      'Waited 30 ms for a request; 1 received:\n  GET /a?b=1',
    )
    await expect(provider.requested(2)).rejects.toThrow(
      'Waited 30 ms for request 2; seen: 1 requests, 0 streams, 0 open',
    )
    await expect(provider.stream(0)).rejects.toThrow('Waited 30 ms for stream 0; seen: 1 requests')
    expect((await provider.next()).path).toBe('/a?b=1')
  })
})

describe('a stream of a loopback provider', () => {
  const open = async (provider: HttpProvider) => {
    const response = await ask(provider, '/stream', { accept: 'text/event-stream' })
    const stream = await provider.stream(provider.streams.length - 1)
    return { response, stream }
  }

  it('sends events, comments and bytes to who accepts events alone', async () => {
    await using provider = await httpProvider()
    const greeted: number[] = []
    provider.onStream(({ index }) => greeted.push(index))
    const { response, stream } = await open(provider)
    expect(response.headers['content-type']).toBe('text/event-stream')
    stream.send({ type: 'tick', data: { p: 1 }, id: '7' })
    stream.send({ data: 'two\nlines' })
    stream.comment('alive')
    stream.sendBytes('garbage')
    stream.end()
    expect(await bodyOf(response)).toEqual({
      text: 'event: tick\nid: 7\ndata: {"p":1}\n\ndata: two\ndata: lines\n\n:alive\n\ngarbage',
      isCut: false,
    })
    await stream.closed
    expect(greeted).toEqual([0])
    expect([stream.isOpen, stream.request.path, provider.openCount]).toEqual([false, '/stream', 0])
  })

  it('is cut in the middle, and sees its client leave', async () => {
    await using provider = await httpProvider()
    const first = await open(provider)
    first.stream.destroy()
    expect((await bodyOf(first.response)).isCut).toBe(true)
    const second = await open(provider)
    expect([second.stream.index, provider.openCount]).toEqual([1, 1])
    second.response.destroy()
    await second.stream.closed
    expect(provider.openCount).toBe(0)
  })
})
