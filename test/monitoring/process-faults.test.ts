import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { parseSamples, sampleValue } from '../../src/testing/samples'
import { simulatedExchange } from '../../src/testing/simulated-exchange'
import { wsProvider } from '../../src/testing/ws-provider'
import { eventually, PATIENT } from '../helpers/eventually'
import { endAll, freePort, launch, PATIENCE_MS, post, type ServiceProcess } from '../service/service-process'
import { describeWithPromtool, expectAlerts } from './promtool'
import { Watch } from './watch'

// Nobody holds the clocks of other processes: what they say once is what Prometheus gets for minutes.
afterEach(endAll)

const ETH = { data: { base: 'ETH', quote: 'USD' } }

const pageOf = async (port: string): Promise<string> =>
  (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } })).text()

const valueOf = async (port: string, metric: string, labels?: Record<string, string>) =>
  sampleValue(parseSamples(await pageOf(port)), metric, labels)

/** Several processes with the adapter `coinbase`. */
const startWorkers = async (exchangeUrl: string) => {
  const port = await freePort()
  const service = launch({
    ...PATIENT,
    WORKERS: '2',
    ADAPTERS: 'coinbase',
    COINBASE_WS_API_ENDPOINT: exchangeUrl,
    METRICS_ENABLED: 'true',
    METRICS_PORT: port,
  })
  expect((await post(await service.url(), ETH)).status).toBe(200)
  return { service, port, watch: new Watch(() => pageOf(port)) }
}

const pidOf = async (service: ServiceProcess, name: string): Promise<number> =>
  (await service.line(({ msg }) => msg === `${name} is ready`))['child'] as number

describeWithPromtool('alerts of several processes', () => {
  it('tell that one has died and was replaced', { timeout: 2 * PATIENCE_MS }, async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const { service, port, watch } = await startWorkers(exchange.url)
    const healthy = await watch.stay(3)
    process.kill(await pidOf(service, 'worker-1'), 'SIGKILL')
    const from = service.lines.length
    await service.line(({ msg }) => msg === 'worker-1 is ready', from)
    await eventually(async () =>
      expect(await valueOf(port, 'service_process_up', { process: 'worker-1' })).toBe(1),
    )
    const died = await watch.stay(1)
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: died, firing: ['TickwellProcessRestarts'] },
    ])
  })

  it('tell that one does not answer', { timeout: 2 * PATIENCE_MS }, async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const { service, watch } = await startWorkers(exchange.url)
    const healthy = await watch.stay(3)
    const worker = await pidOf(service, 'worker-1')
    process.kill(worker, 'SIGSTOP')
    const silent = await watch.stay(1)
    process.kill(worker, 'SIGCONT')
    await expectAlerts(watch, [
      { at: healthy, firing: [] },
      { at: silent, firing: ['TickwellProcessDown'] },
    ])
  })
})

describeWithPromtool('alerts of a process', () => {
  const exposed = async (
    more: Record<string, string>,
    { port, file }: { port?: string; file?: string } = {},
  ) => {
    const metricsPort = port ?? (await freePort())
    const variables = {
      ...PATIENT,
      OWN_WS_API_ENDPOINT: 'ws://127.0.0.1:9',
      METRICS_ENABLED: 'true',
      OWN_METRICS_PORT: metricsPort,
      ...more,
    }
    const service = launch(variables, file ?? join('test', 'service', 'exposed-adapter.ts'))
    const { port: ownPort } = await service.line(({ msg }) => msg.startsWith('Listening on port'))
    const url = `http://127.0.0.1:${String(ownPort)}`
    return { service, url, port: metricsPort, watch: new Watch(() => pageOf(metricsPort)) }
  }

  it.each(['nobody', 'rejection'])(
    'tell of what nobody handled (%s)',
    { timeout: PATIENCE_MS },
    async (late) => {
      await using provider = await wsProvider({ guardMs: PATIENCE_MS })
      const { url, port, watch } = await exposed({ OWN_WS_API_ENDPOINT: provider.url })
      const asked = post(url, { data: { base: 'ETH' } })
      const connection = await provider.connection()
      await connection.next()
      connection.send({ base: 'ETH', price: 7 })
      expect((await asked).status).toBe(200)
      const healthy = await watch.stay(3)
      connection.send({ late })
      await eventually(async () => expect(await valueOf(port, 'late_throws_total')).toBe(1))
      const thrown = await watch.stay(0.25)
      await expectAlerts(watch, [
        { at: healthy, firing: [] },
        { at: thrown, firing: ['TickwellLateThrow'] },
      ])
    },
  )

  it('tell that the service is started again and again', { timeout: 4 * PATIENCE_MS }, async () => {
    const port = await freePort()
    const watch = new Watch(() => pageOf(port))
    for (let start = 0; start < 4; start++) {
      const { service } = await exposed({}, { port })
      await watch.stay(1)
      service.signal('SIGTERM')
      await service.exit
    }
    await expectAlerts(watch, [
      { at: 12, firing: [] },
      { at: watch.count, firing: ['TickwellRestarts'] },
    ])
  })

  it('tell that the heap is nearly full', { timeout: PATIENCE_MS }, async () => {
    const file = join('test', 'monitoring', 'leaking-adapter.ts')
    const more = { NODE_OPTIONS: '--max-old-space-size=300 --max-semi-space-size=1' }
    const healthy = (await exposed(more, { file })).watch
    await expectAlerts(healthy, [{ at: await healthy.stay(20), firing: [] }])
    const leaking = (await exposed({ ...more, LEAKS: 'true' }, { file })).watch
    await expectAlerts(leaking, [{ at: await leaking.stay(20), firing: ['TickwellMemory'] }])
  })

  it('tell that nearly all files that a process may have are open', { timeout: PATIENCE_MS }, async () => {
    const { service, watch } = await exposed({})
    // As few as it has open itself, and some more.
    execFileSync('prlimit', ['--pid', String(service.pid), '--nofile=30:30'])
    const full = await watch.stay(3)
    await expectAlerts(watch, [{ at: full, firing: ['TickwellOpenFiles'] }])
  })
})
