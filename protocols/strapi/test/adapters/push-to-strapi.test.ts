import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAdapter } from '../../adapters/push-to-strapi'
import { feedsOf } from '../../adapters/push-to-strapi/feeds'
import { serve } from '../../../../src/testing'
import { GUARD_MS } from '../../../../test/helpers/eventually'
import { frameOf, PushPeer, readTrace } from '../push-peer'

const TOKEN = 'the-transfer-token-of-the-sink'

/** Another adapter: answers every pair with its number, unless there is none. */
class SourceAdapter {
  readonly asked: unknown[] = []
  readonly prices = new Map<string, number>([
    ['BTC/USD', 65000.5],
    ['ETH/USD', 0.0000001],
  ])
  /** Of every price; undefined for the time of asking. */
  time: number | undefined = Date.now() - 1_000
  private readonly server: Server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { data } = JSON.parse(text) as { data: { base: string; quote: string } }
      this.asked.push(data)
      const result = this.prices.get(`${data.base}/${data.quote}`)
      const { time = Date.now() } = this
      const timestamps = { providerDataReceivedUnixMs: time + 5, providerIndicatedTimeUnixMs: time }
      response.writeHead(result === undefined ? 504 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ result, data: { result }, timestamps }))
    })
  })

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', () => resolve()))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  stop(): Promise<unknown> {
    this.server.closeAllConnections()
    return new Promise((resolve) => this.server.close(resolve))
  }
}

describe('the sink that environment variables set up', () => {
  let peer: PushPeer
  let source: SourceAdapter

  beforeEach(async () => {
    peer = await PushPeer.start()
    source = await new SourceAdapter().start()
  })
  afterEach(async () => {
    await source.stop()
    await peer[Symbol.asyncDispose]()
  })

  const env = (rest: Record<string, string> = {}) => ({
    PUSH_TO_STRAPI_SERVER_URL: peer.adminUrl.replace('/admin', ''),
    PUSH_TO_STRAPI_SERVER_TOKEN: TOKEN,
    PUSH_TO_STRAPI_PUSH_MODE: 'replace-matching',
    PUSH_TO_STRAPI_SOURCE_URL: source.url,
    PUSH_TO_STRAPI_FEEDS: 'BTC/USD, ETH/USD',
    BACKGROUND_EXECUTE_MS_WS: '10',
    ...rest,
  })
  const start = (rest: Record<string, string> = {}) =>
    serve(createAdapter, { env: env(rest), guardMs: GUARD_MS })
  type Status = { endpoints: { name: string; connections?: Record<string, unknown>[] }[] }

  it('ID-1: writes USDe and USDE each with its own price', async () => {
    source.prices.set('USDe/USD', 1).set('USDE/USD', 777)
    await using service = await start({ PUSH_TO_STRAPI_FEEDS: 'USDe/USD, USDE/USD' })
    const { json } = await service.until({}, ({ statusCode }) => statusCode === 200)
    expect(json.data).toMatchObject({ committedRows: 2 })
    expect(peer.rows.map(({ data }) => data)).toEqual([
      expect.objectContaining({ base: 'USDe', value: '1' }),
      expect.objectContaining({ base: 'USDE', value: '777' }),
    ])
  })

  it('writes the prices of another adapter into Strapi, and answers with what it did', async () => {
    await using service = await start()
    const { json } = await service.until({}, ({ statusCode }) => statusCode === 200)
    expect(json).toMatchObject({ result: 2, data: { result: 2, committedPushes: 1, committedRows: 2 } })
    expect(source.asked).toContainEqual({ endpoint: 'price', base: 'BTC', quote: 'USD' })
    const observedAt = new Date(source.time!).toISOString()
    expect(peer.rows.map(({ type, data }) => ({ type, data }))).toEqual([
      {
        type: 'api::price.price',
        data: expect.objectContaining({ base: 'BTC', quote: 'USD', value: '65000.5', observedAt }),
      },
      {
        type: 'api::price.price',
        data: expect.objectContaining({ base: 'ETH', quote: 'USD', value: '1e-7', observedAt }),
      },
    ])
    const [init] = peer.frames
    expect(init?.params).toMatchObject({
      options: {
        restore: {
          entities: {
            include: ['api::price.price'],
            params: {
              where: {
                $or: [
                  { base: 'BTC', quote: 'USD' },
                  { base: 'ETH', quote: 'USD' },
                ],
              },
            },
          },
        },
      },
    })
  })

  it('shows its server in the status and counts its pushes', async () => {
    await using service = await start()
    await service.until({}, ({ statusCode }) => statusCode === 200)
    const { body } = await service.api.inject({ method: 'GET', url: '/status' })
    const push = (JSON.parse(body) as Status).endpoints.find(({ name }) => name === 'push')
    expect(push?.connections).toEqual([
      expect.objectContaining({
        role: 'client',
        state: 'waiting',
        url: expect.stringContaining('/admin/transfer/runner/push'),
        opened: 1,
        details: { committedRows: 2, rowsInDoubt: 0 },
      }),
    ])
    expect(body).not.toContain(TOKEN)
    const labels = { adapter_endpoint: 'push', outcome: 'committed', app_name: 'PUSH_TO_STRAPI' }
    expect(await service.metric('transport_pushes_total', labels)).toBeGreaterThanOrEqual(1)
  })

  it('says why it cannot push, without its token', async () => {
    peer.refused.set(TOKEN, 403)
    await using service = await start()
    const { text } = await service.until({}, ({ statusCode }) => statusCode === 502)
    expect(text).toContain('the transfer token has no permission for this direction')
    expect(text).not.toContain(TOKEN)
    expect(peer.rows).toEqual([])
  })

  it('goes on with its other work while Strapi is cut off in the middle', async () => {
    peer.react('stream entities', 'cut')
    await using service = await start()
    const { text } = await service.until({}, ({ statusCode }) => statusCode === 502)
    expect(text).toContain('Strapi closed the connection')
    const feed = { base: 'BTC', quote: 'USD' }
    await service.until(feed, ({ json }) => json.result === 65000.5, { endpoint: 'price' })
  })

  it('leaves no connection behind when it is stopped in the middle of a push', async () => {
    peer.react('stream entities', 'silent')
    const service = await start()
    await peer.until(() => peer.pushed.includes('stream entities'))
    await service.stop()
    await peer.until(() => peer.open === 0)
    expect(peer.pushed).not.toContain('close')
    expect(peer.rows).toEqual([])
  })

  it('appends with the mode that says so, and deletes nothing then', async () => {
    source.time = undefined
    await using service = await start({ PUSH_TO_STRAPI_PUSH_MODE: 'append' })
    await service.until({}, ({ statusCode }) => statusCode === 200)
    expect(peer.pushed).not.toContain('beforeTransfer')
    expect(peer.rows).toHaveLength(2)
  })

  it('starts with nothing that it would have to guess', async () => {
    for (const [name, value] of [
      ['SERVER_URL', 'cms.example'],
      ['SERVER_TOKEN', ''],
      ['PUSH_MODE', ''],
      ['PUSH_MODE', 'replace'],
      ['SOURCE_URL', ''],
      ['FEEDS', ''],
      ['FEEDS', 'BTC-USD'],
      ['FEEDS', 'BTC/USD,BTC/USD'],
    ])
      await expect(start({ [`PUSH_TO_STRAPI_${name}`]: value! })).rejects.toThrow(name)
  })

  it('reads pairs', () => {
    expect(feedsOf('BTC/USD, eth/EUR')).toEqual([
      { base: 'BTC', quote: 'USD' },
      { base: 'eth', quote: 'EUR' },
    ])
    for (const list of ['', ',', 'BTC', 'BTC/', '/USD', 'A/B/C', 'A/B,,C/D'])
      expect(() => feedsOf(list)).toThrow('must be pairs')
  })
})

describe('the recorded server', () => {
  it('has the content type that the sink writes by default', () => {
    const [answer] = readTrace('push-trace').filter(({ frame }) => frame?.includes('"feed.bounds":{'))
    const schemas = frameOf(answer!).data as Record<string, { attributes: object }>
    expect(Object.keys(schemas['api::price.price']!.attributes)).toEqual(
      expect.arrayContaining(['base', 'quote', 'value', 'observedAt']),
    )
  })
})
