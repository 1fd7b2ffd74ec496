import { EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { metrics } from '@chainlink/external-adapter-framework/metrics'
import { TransportDependencies } from '@chainlink/external-adapter-framework/transports'
import { messageSubsLabels } from '@chainlink/external-adapter-framework/transports/metrics'
import { LoggerFactoryProvider } from '@chainlink/external-adapter-framework/util'
import { makeStub, runAllUntilSettled } from '@chainlink/external-adapter-framework/util/testing-utils'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'
import { BaseEndpointTypes, inputParameters, ReserveTransport } from './transport'

/** One spy for all levels: what is logged at all is what these tests count. */
const log = jest.fn()
const logger = { fatal: log, error: log, warn: log, info: log, debug: log, trace: log }
LoggerFactoryProvider.set({ child: () => logger } as never)
metrics.initialize()

describe('a transport with request keys of its own', () => {
  const transportName = 'default_single_transport'
  const timestamps = { providerDataRequestedUnixMs: 1, providerDataReceivedUnixMs: 2 }
  const adapterSettings = makeStub('adapterSettings', {
    API_ENDPOINT: 'https://rest.keys.example',
    BACKGROUND_EXECUTE_MS: 1_000,
    WARMUP_SUBSCRIPTION_TTL: 10_000,
    MAX_COMMON_KEY_SIZE: 300,
  } as unknown as BaseEndpointTypes['Settings'])
  const context = makeStub('context', {
    adapterSettings,
    endpointName: 'reserve',
  } as EndpointContext<BaseEndpointTypes>)
  let clock: InstalledClock

  beforeEach(() => {
    log.mockClear()
    clock = FakeTimers.install()
  })
  afterEach(() => {
    clock.uninstall()
  })

  const initialized = async (total: number, wanted: { client: string; page: number }[]) => {
    const transport = new ReserveTransport()
    const request = jest.fn().mockResolvedValue({ response: { data: { total } }, timestamps })
    const write = jest.fn()
    const dependencies = makeStub('dependencies', {
      requester: { request },
      responseCache: { write },
      subscriptionSetFactory: { buildSet: () => ({ getAll: () => wanted }) },
    } as unknown as TransportDependencies<BaseEndpointTypes>)
    await transport.initialize(dependencies, adapterSettings, 'reserve', transportName)
    return { transport, request, write }
  }

  it('names the key of each request in one line, and logs nothing else', async () => {
    const wanted = [
      { client: 'gemini', page: 1 },
      { client: 'paxos', page: 2 },
    ]
    const { transport, request, write } = await initialized(5, wanted)
    await runAllUntilSettled(clock, transport.backgroundHandler(context, wanted))
    expect(log.mock.calls).toEqual([
      [`Generated HTTP request queue key: "reserve-${transportName}-{"page":1}"`],
      [`Generated HTTP request queue key: "reserve-${transportName}-{"page":2}"`],
    ])
    expect(request).toHaveBeenCalledTimes(2)
    expect(request).toHaveBeenNthCalledWith(1, `reserve-${transportName}-{"page":1}`, {
      baseURL: 'https://rest.keys.example',
      url: '/reserves/gemini',
      params: { page: 1 },
    })
    expect(write).toHaveBeenCalledTimes(2)
    expect(write).toHaveBeenCalledWith(transportName, [
      {
        params: { client: 'paxos', page: 2 },
        response: {
          result: 5,
          data: { result: 5 },
          timestamps: { ...timestamps, providerIndicatedTimeUnixMs: undefined },
        },
      },
    ])
  })

  it("leaves the transport's own lines as they are", async () => {
    const wanted = [{ client: 'gemini', page: 1 }]
    const { transport } = await initialized(-1, wanted)
    await runAllUntilSettled(clock, transport.backgroundHandler(context, wanted))
    expect(log.mock.calls).toEqual([
      [`Generated HTTP request queue key: "reserve-${transportName}-{"page":1}"`],
      ['Reserve of gemini is negative'],
    ])
  })

  it('logs nothing while nothing is wanted', async () => {
    const { transport, request } = await initialized(5, [])
    await runAllUntilSettled(clock, transport.backgroundHandler(context, []))
    expect(log).not.toHaveBeenCalled()
    expect(request).not.toHaveBeenCalled()
  })

  it('hashes no key where the settings of a test have no limit', async () => {
    const settings = { API_ENDPOINT: 'https://rest.keys.example' } as BaseEndpointTypes['Settings']
    const client = 'x'.repeat(400)
    const labels = messageSubsLabels<BaseEndpointTypes>(
      { adapterSettings: settings, inputParameters, endpointName: 'reserve' },
      { client, page: 1 },
    )
    expect(labels).toEqual({
      feed_id: `{"client":"${client}","page":1}`,
      subscription_key: `reserve-{"client":"${client}","page":1}`,
    })
    expect(log).not.toHaveBeenCalled()
  })

  it('cannot be initialized twice, and is named as the second time', async () => {
    const { transport } = await initialized(5, [])
    await expect(
      transport.initialize(
        {} as TransportDependencies<BaseEndpointTypes>,
        adapterSettings,
        'reserve',
        'other',
      ),
    ).rejects.toThrow('Transport other has already been initialized')
  })
})
