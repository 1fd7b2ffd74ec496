import { afterEach, describe, expect, it } from 'vitest'
import { readServerSettings } from '../../../src/config/server-settings'
import { AdminRelay } from '../../../src/service/workers/admin-relay'
import { type Page, type PageAnswer } from '../../../src/service/workers/control'
import { withEnv } from '../../../src/testing/env'

const TOKEN = 'a-token-of-operators'
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` }

const ends: (() => Promise<void>)[] = []
afterEach(() => Promise.all(ends.splice(0).map((end) => end())))

const start = async (answer: (page: Page) => PageAnswer | undefined) => {
  const env = withEnv({ EA_HOST: '127.0.0.1', ADMIN_PORT: '0', ADMIN_TOKEN: TOKEN })
  const relay = new AdminRelay(readServerSettings(), 0, (page) => Promise.resolve(answer(page)))
  const url = `http://${await relay.listen()}`
  ends.push(async () => {
    await relay.stop()
    env.restore()
  })
  return url
}

describe('the port for operators of several processes', () => {
  it('hands on a request with the token, and what the writer answers', async () => {
    const pages: Page[] = []
    const url = await start((page) => {
      pages.push(page)
      return { statusCode: 418, type: 'text/plain', text: 'as it is' }
    })
    const headers = { ...AUTHORIZED, 'content-type': 'application/json' }
    const reply = await fetch(`${url}/a?b=c`, { method: 'POST', headers, body: '{"data":{}}' })
    expect([reply.status, reply.headers.get('content-type'), await reply.text()]).toEqual([
      418,
      'text/plain',
      'as it is',
    ])
    const head = await fetch(`${url}/a`, { method: 'HEAD', headers: AUTHORIZED })
    expect([head.status, await head.text()]).toEqual([418, ''])
    const { authorization } = AUTHORIZED
    expect(pages).toEqual([
      { method: 'POST', url: '/a?b=c', authorization, type: 'application/json', body: '{"data":{}}' },
      { method: 'HEAD', url: '/a', authorization, body: '' },
    ])
  })

  it('asks the writer nothing for a request without the token', async () => {
    let asked = 0
    const url = await start(() => {
      asked++
      return undefined
    })
    const others: Record<string, string>[] = [{}, { authorization: 'Bearer other-token-of-operators' }]
    for (const headers of others) {
      const reply = await fetch(url, { headers })
      expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    }
    expect(asked).toBe(0)
  })

  it('answers 503 where the writer does not answer, and 413 to a body that is too large', async () => {
    const url = await start(() => undefined)
    expect((await fetch(url, { headers: AUTHORIZED })).status).toBe(503)
    const body = 'x'.repeat(1024 * 1024 + 1)
    expect((await fetch(url, { method: 'POST', headers: AUTHORIZED, body })).status).toBe(413)
  })
})
