import { afterEach, describe, expect, it } from 'vitest'
import { simulatedExchange } from '../../src/testing/simulated-exchange'
import { PATIENT } from '../helpers/eventually'
import { BusyClients, requestBytes } from './busy-clients'
import { endAll, launch, PATIENCE_MS, post } from './service-process'

afterEach(endAll)

const ETH = { data: { base: 'ETH', quote: 'USD' } }
const RUNS = Number(process.env['STOP_RUNS'] ?? 1)
const runs = Array.from({ length: RUNS }, (_, run) => run + 1)

describe('a stop while many clients are busy', { timeout: 2 * PATIENCE_MS }, () => {
  describe.each([['1'], ['2']])('WORKERS=%s', (workers) => {
    it.each(runs.flatMap((run) => [1, 4].map((atOnce) => [run, atOnce])))(
      'LC-3: loses no request of clients (run %i, %i on the way each), and tells them that it ends',
      async (_run, atOnce) => {
        await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
        const service = launch({
          ...PATIENT,
          WORKERS: workers,
          ADAPTERS: 'coinbase',
          COINBASE_WS_API_ENDPOINT: exchange.url,
        })
        const url = await service.url()
        await post(url, ETH)
        const clients = new BusyClients(new URL(url), 24, requestBytes('/', ETH), atOnce, (answered) => {
          if (answered === 2_000) service.signal('SIGTERM')
        })
        await clients.done
        expect(clients.tally).toMatchObject({ lost: [], refused: 24 })
        expect(clients.tally.saidClose).toBeGreaterThanOrEqual(24)
        expect(await service.exit).toBe(0)
        expect(service.lines.filter(({ level }) => level === 'error')).toEqual([])
      },
    )
  })
})
