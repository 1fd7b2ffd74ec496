import { beforeAll, describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { Background } from '../../src/adapter/background'
import { type Transport, type TransportGenerics } from '../../src/transports/transport'
import { LEAVE } from '../../src/transports/capabilities'
import { TransportRoutes } from '../../src/transports/routes'
import { LoggerFactoryProvider } from '../../src/util/logging'

type Calls = string[]

const transport = (calls: Calls, of: Partial<Transport<TransportGenerics>>) =>
  ({
    name: '',
    initialize: () => Promise.resolve(),
    ...of,
    shutdown: of.shutdown && (() => (calls.push('shutdown'), of.shutdown!())),
  }) as Transport<TransportGenerics>

const started = async (routes: [string, Transport<TransportGenerics>][]) => {
  const transportRoutes = new TransportRoutes<TransportGenerics>()
  for (const [name, one] of routes) transportRoutes.register(name, one)
  const endpoint = new AdapterEndpoint<never>({ name: 'price', transportRoutes: transportRoutes as never })
  const adapter = new Adapter({ name: 'TEST', endpoints: [endpoint] as never })
  await adapter.initialize()
  return new Background(adapter)
}

beforeAll(() => {
  LoggerFactoryProvider.set()
})

describe('the background work of an adapter', () => {
  it('has called every transport that has some when it is there, each with the context of its endpoint', async () => {
    const seen: unknown[] = []
    const backgroundExecute = (context: object) => {
      seen.push(context)
      return Promise.resolve()
    }
    const background = await started([
      ['a', transport([], { backgroundExecute })],
      ['b', transport([], {})],
      ['c', transport([], { backgroundExecute })],
    ])
    expect(seen).toHaveLength(2)
    expect(seen[0]).toMatchObject({
      endpointName: 'price',
      adapterSettings: { BACKGROUND_EXECUTE_MS_WS: 1_000 },
    })
    await background.stop()
  })

  it('IS-4: ends its loops and leaves its connections when it pauses, and begins anew with what hung before left behind', async () => {
    const calls: Calls = []
    const hanging = transport(calls, {
      backgroundExecute: () => (calls.push('run'), new Promise<void>(() => {})),
      ...{ [LEAVE]: () => void calls.push('leave') },
    })
    const background = await started([['a', hanging]])
    background.pause()
    background.pause()
    background.resume()
    background.resume()
    expect(calls).toEqual(['run', 'leave', 'leave', 'run'])
    await background.stop()
    background.resume()
    expect(calls).toEqual(['run', 'leave', 'leave', 'run'])
  })

  it('LC-3: tells every transport once that it stops, whatever the others do', async () => {
    const calls: Calls = []
    const background = await started([
      ['a', transport(calls, { shutdown: () => Promise.reject(new Error('no')) })],
      [
        'b',
        transport(calls, {
          shutdown: () => {
            throw new Error('not even a promise')
          },
        }),
      ],
      [
        'c',
        transport(calls, {
          shutdown: () => Promise.resolve(),
          backgroundExecute: () => new Promise(() => {}),
        }),
      ],
    ])
    await Promise.all([background.stop(), background.stop()])
    expect(calls).toEqual(['shutdown', 'shutdown', 'shutdown'])
  })
})
