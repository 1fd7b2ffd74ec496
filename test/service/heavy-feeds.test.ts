import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'
import { endAll, launch, PATIENCE_MS, post } from './service-process'

/** A process of this heap that keeps all that it is asked for ends after 255 of them. */
const REQUESTS = Number(process.env['HEAVY_REQUESTS'] ?? 260)
const AT_ONCE = 10

afterEach(endAll)

/** A provider that ticks once for each subscription. */
const provider = async (): Promise<string> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const { subscribe: base } = JSON.parse(data.toString()) as { subscribe?: string }
      if (base !== undefined) socket.send(JSON.stringify({ base, price: 7 }))
    })
  })
  await once(server, 'listening')
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a process with a small heap', () => {
  it(
    'lives on when it is asked for one large feed after another, and takes new feeds of ordinary size meanwhile',
    async () => {
      const variables = {
        OWN_WS_API_ENDPOINT: await provider(),
        NODE_OPTIONS: '--max-old-space-size=256',
        CACHE_POLLING_MAX_RETRIES: '20',
        CACHE_POLLING_SLEEP_MS: '1000',
      }
      const service = launch(variables, join('test', 'service', 'exposed-adapter.ts'))
      const { port } = await service.line(({ port }) => typeof port === 'number')
      const url = `http://127.0.0.1:${String(port)}`
      const large = (n: number) => post(url, { data: { base: `z${n}${'x'.repeat(950_000)}` } })
      const seen = new Map<string, number>()
      for (let n = 0; n < REQUESTS; n += AT_ONCE) {
        const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => large(n + i)))
        for (const { status, json } of answers) {
          const what = `${status} ${json.error?.reason?.code ?? json.result}`
          seen.set(what, (seen.get(what) ?? 0) + 1)
        }
        expect(await post(url, { data: { base: `SMALL ${n}` } })).toMatchObject({ json: { result: 7 } })
      }
      // Some are served, as lawful feeds of that size are; the others are refused at once.
      expect([...seen.keys()].sort()).toEqual(['200 7', '504 CAPACITY'])
      expect(service.lines.filter(({ level }) => ['error', 'fatal'].includes(level))).toEqual([])
      expect(service.lines.length).toBeLessThan(50)
    },
    10 * PATIENCE_MS,
  )
})
