import { expect, it, onTestFinished, vi } from 'vitest'
import { serve, wsProvider } from '../../../src/testing'
import { PATIENT } from '../../helpers/eventually'
import { read } from '../../helpers/repository'

it('the example in docs/batches.md is a file that works', async () => {
  const [, example] = /```ts\n([^]*?)```/.exec(read('docs/batches.md')) ?? []
  const file = read('test/transports/websocket/batches-example.ts')
  expect(example).toBe(file.replaceAll("'../../../src/public/", "'tickwell/"))

  await using provider = await wsProvider()
  provider.onMessage((text, connection) => {
    const { id, markets } = JSON.parse(text) as { id: number; markets: string[] }
    connection.send({
      ack: id,
      refused: markets.filter((one) => one === 'A-B').map((market) => ({ market, why: 'Unknown' })),
    })
    for (const market of markets) if (market !== 'A-B') connection.send({ tick: market, price: 7 })
  })
  // Settings are read when the file is loaded.
  vi.stubEnv('WS_API_ENDPOINT', provider.url)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const { adapter } = await import('./batches-example.js')
  await using service = await serve(() => adapter, { env: PATIENT })
  const [good, bad] = await Promise.all([
    service.post({ base: 'ETH', quote: 'USD' }),
    service.post({ base: 'A', quote: 'B' }),
  ])
  expect(good.json.result).toBe(7)
  expect([bad.statusCode, bad.json.errorMessage]).toEqual([502, 'Unknown'])
})
