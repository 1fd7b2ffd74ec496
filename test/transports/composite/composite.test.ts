import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type AdapterEndpointParams } from '../../../src/adapter/params'
import { type AdapterResponse } from '../../../src/feeds/responses'
import { serve, type ServeOptions } from '../../../src/testing/serve'
import { CHILDREN, OUTAGE, outageOf, WAKE } from '../../../src/transports/capabilities'
import { CompositeTransport } from '../../../src/transports/composite-transport'
import { TransportRoutes } from '../../../src/transports/routes'
import { type Transport } from '../../../src/transports/transport'
import { WakeSignal } from '../../../src/util/wake-signal'
import { PATIENT } from '../../helpers/eventually'
import { priceParameters, type PriceTypes, StillTransport } from '../../http/support'

const ETH = { base: 'ETH', quote: 'USD' }
const ON = { COMPOSITE_TRANSPORT: 'true', CACHE_POLLING_MAX_RETRIES: '0' }

interface Line {
  level: string
  text: string
}
const logged: Line[] = []
const child = () =>
  Object.fromEntries(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [
      level,
      (...args: unknown[]) =>
        void logged.push({ level, text: String(typeof args[0] === 'string' ? args[0] : args[1]) }),
    ]),
  )
const loggerFactory = { child } as unknown as NonNullable<ServeOptions['dependencies']>['loggerFactory']
const linesAt = (...levels: string[]) =>
  logged.filter(({ level }) => levels.includes(level)).map(({ text }) => text)

beforeEach(() => {
  logged.length = 0
})

type Child = Transport<PriceTypes>

const endpointOf = (
  children: Record<string, Child>,
  of: Partial<AdapterEndpointParams<PriceTypes>> & { defaultTransport?: string } = {},
) => {
  const transportRoutes = new TransportRoutes<PriceTypes>()
  for (const [name, transport] of Object.entries(children)) transportRoutes.register(name, transport)
  return new AdapterEndpoint<PriceTypes>({
    name: 'price',
    inputParameters: priceParameters(),
    enableCompositeTransport: true,
    defaultTransport: 'ws',
    ...of,
    transportRoutes,
  })
}

const start = (
  children: Record<string, Child>,
  env: Record<string, string> = ON,
  of?: Parameters<typeof endpointOf>[1],
) => {
  const endpoint = endpointOf(children, of)
  const make = () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  return serve(make, { env, dependencies: { loggerFactory } })
}

const two = () => ({ ws: new StillTransport(), rest: new StillTransport() })

/** A transport of nothing but what is given. */
const bare = (of: Partial<Child> & object): Child =>
  ({ initialize: () => Promise.resolve(), ...of }) as unknown as Child

const pending = () => new Promise<never>(() => {})

describe('an endpoint with a composite transport', () => {
  it('is one of at least two transports', () => {
    const make = () => endpointOf({ ws: new StillTransport() })
    expect(make).toThrow('Composite transport requires at least 2 transports')
    expect(make).toThrow(expect.objectContaining({ statusCode: 400, name: 'AdapterError' }))
    expect(() => endpointOf({})).toThrow('Composite transport requires at least 2 transports')
  })

  it('routes as ever, and says so, where the operator has not set COMPOSITE_TRANSPORT', async () => {
    const { ws, rest } = two()
    await using service = await start({ ws, rest }, { ...ON, COMPOSITE_TRANSPORT: 'false' })
    expect(linesAt('warn').filter((line) => line.includes('COMPOSITE_TRANSPORT'))).toHaveLength(1)
    await rest.put(ETH, 5)
    expect((await service.post(ETH)).statusCode).toBe(504)
    expect((await service.post({ ...ETH, transport: 'rest' })).json.result).toBe(5)
  })

  it('does not warn endpoints that have not asked for it', async () => {
    await using service = await start(two(), { ...ON }, { enableCompositeTransport: false })
    expect((await service.post(ETH)).statusCode).toBe(504)
    expect(linesAt('warn').filter((line) => line.includes('COMPOSITE_TRANSPORT'))).toEqual([])
  })

  it('has one route, which has all feeds of all children', async () => {
    const { ws, rest } = two()
    await using service = await start({ ws, rest })
    const { body } = await service.api.inject({ url: '/status' })
    const { endpoints } = JSON.parse(body) as { endpoints: { transports: string[] }[] }
    expect(endpoints[0]?.transports).toEqual(['default_single_transport'])
    expect((await service.post({ ...ETH, transport: 'rest' })).statusCode).toBe(504)
    expect([await ws.wanted(), await rest.wanted()]).toEqual([[ETH], [ETH]])
    expect([ws.name, rest.name]).toEqual(['ws', 'rest'])
    await rest.put(ETH, 5, 1_700_000_000_000)
    expect((await service.post(ETH)).json).toMatchObject({
      result: 5,
      meta: { adapterName: 'TEST', transportName: 'rest' },
    })
    await ws.put(ETH, 6, 1_700_000_000_001)
    expect((await service.post(ETH)).json).toMatchObject({ result: 6, meta: { transportName: 'ws' } })
    await rest.put(ETH, 7, 1_700_000_000_001)
    expect((await service.post(ETH)).json.result).toBe(6)
  })

  it('keeps feeds wanted in all children by requests that are answered from memory', async () => {
    const { ws, rest } = two()
    await using service = await start({ ws, rest })
    await service.post(ETH)
    await ws.put(ETH, 5)
    expect((await service.post(ETH)).json.result).toBe(5)
    expect((await service.post(ETH)).json.result).toBe(5)
    const wants = [vi.spyOn(ws, 'want'), vi.spyOn(rest, 'want')]
    expect((await service.post(ETH)).json.result).toBe(5)
    for (const want of wants) expect(want).toHaveBeenCalledTimes(1)
    expect(service.adapter.runsAuthorCode()).toBe(false)
  })

  it('hands requests to children that take them their own way', async () => {
    const registerRequest = vi.fn(() => Promise.resolve())
    await using service = await start({ ws: new StillTransport(), rest: bare({ registerRequest }) })
    await service.post(ETH)
    await service.post(ETH)
    expect(registerRequest).toHaveBeenCalledTimes(2)
    expect(service.adapter.runsAuthorCode()).toBe(true)
  })

  it('FO-7: answers with the reason of a child while none has a value', async () => {
    const { ws, rest } = two()
    await using service = await start({ ws, rest })
    await service.post(ETH)
    await rest.putError(ETH, 502, 'Provider request failed with status 500: {}')
    const { statusCode, json } = await service.post(ETH)
    expect(statusCode).toBe(502)
    expect(json.errorMessage).toBe('Provider request failed with status 500: {}')
    await ws.put(ETH, 5)
    await rest.putError(ETH, 502, 'still')
    expect((await service.post(ETH)).json.result).toBe(5)
  })

  it('gives a waiting client the first value of any child', async () => {
    const { ws, rest } = two()
    await using service = await start({ ws, rest }, { ...PATIENT, COMPOSITE_TRANSPORT: 'true' })
    const asked = service.post(ETH)
    while ((await rest.wanted()).length === 0) await new Promise((resolve) => setImmediate(resolve))
    await rest.put(ETH, 5)
    expect((await asked).json.result).toBe(5)
  })

  it('counts what a child refuses under that child', async () => {
    const { ws, rest } = two()
    await using service = await start({ ws, rest }, ON, { guards: { max: 10 } })
    await service.post(ETH)
    await rest.put(ETH, 11)
    const labels = { app_name: 'TEST', transport: 'rest', reason: 'out-of-range' }
    expect(await service.metric('data_refused_total', labels)).toBe(1)
    expect((await service.post(ETH)).json.error.reason.code).toBe('REFUSED_VALUE')
  })
})

describe('the children of a composite transport', () => {
  it('FO-3: run by themselves: one that hangs delays no pass, no wish and no value of another', async () => {
    let runs = 0
    const wake = new WakeSignal()
    const ws = Object.assign(new StillTransport(), {
      [WAKE]: wake,
      backgroundHandler: async () => {
        runs++
        await wake.wait(60_000)
      },
    })
    const hanging = bare({ backgroundExecute: pending, registerRequest: pending, shutdown: undefined })
    const service = await start({ hanging, ws: new StillTransport(), running: ws })
    for (let n = 1; n < 5; n++) {
      while (runs < n) await new Promise((resolve) => setImmediate(resolve))
      wake.wake()
    }
    expect((await service.post(ETH)).statusCode).toBe(504)
    await ws.put(ETH, 5)
    expect((await service.post(ETH)).json.result).toBe(5)
    const passes = (transport: string) => service.metric('bg_execute_total', { app_name: 'TEST', transport })
    expect(await passes('hanging')).toBe(1)
    expect(await passes('running')).toBeGreaterThanOrEqual(4)
    expect(linesAt('error')).toEqual([])
    await service.stop()
  })

  it('FO-3: fail by themselves', async () => {
    const ws = new StillTransport()
    const failing = bare({ backgroundExecute: () => Promise.reject(new Error('oops')) })
    await using service = await start({ rest: failing, ws })
    const errors = () => service.metric('bg_execute_errors', { app_name: 'TEST', transport: 'rest' })
    while (((await errors()) ?? 0) < 2) await new Promise((resolve) => setImmediate(resolve))
    await service.post(ETH)
    await ws.put(ETH, 5)
    expect((await service.post(ETH)).json.result).toBe(5)
  })

  it('FO-3: are initialized side by side, each under its own name', async () => {
    const seen: unknown[] = []
    const initialize = (_dependencies: unknown, _settings: unknown, endpointName: string, name: string) => {
      seen.push([endpointName, name])
      return new Promise<void>((resolve) => setImmediate(resolve))
    }
    await using service = await start({ ws: bare({ initialize }), rest: bare({ initialize }) })
    expect(service.api).toBeDefined()
    expect(seen).toEqual([
      ['price', 'ws'],
      ['price', 'rest'],
    ])
  })

  it('that cannot be initialized keep the adapter from starting', async () => {
    const broken = bare({ initialize: () => Promise.reject(new Error('no key')) })
    await expect(start({ ws: new StillTransport(), rest: broken })).rejects.toThrow('no key')
  })

  it('are all shut down, whatever one of them does', async () => {
    const shutdown = vi.fn(() => Promise.resolve())
    const throws = () => {
      throw new Error('stuck')
    }
    const service = await start({
      ws: bare({ shutdown: throws }),
      rest: bare({ shutdown }),
      backup: bare({ shutdown }),
    })
    await service.stop()
    expect(shutdown).toHaveBeenCalledTimes(2)
    expect(linesAt('error')).toEqual(['The transport "ws" failed to shut down: Error: stuck'])
  })
})

describe('a composite transport by itself', () => {
  const context = { endpointName: 'price' } as never

  it('runs each child once, and none that is still busy with its last run', async () => {
    let end = () => {}
    const slow = vi.fn(() => new Promise<void>((resolve) => (end = resolve)))
    const fast = vi.fn(() => Promise.resolve())
    const composite = new CompositeTransport<PriceTypes>({
      slow: bare({ backgroundExecute: slow }),
      fast: bare({ backgroundExecute: fast }),
      none: bare({}),
    })
    const first = composite.backgroundExecute(context)
    const second = composite.backgroundExecute(context)
    expect([slow.mock.calls.length, fast.mock.calls.length]).toEqual([1, 1])
    await Promise.resolve()
    end()
    await Promise.all([first, second])
    const third = composite.backgroundExecute(context)
    expect([slow.mock.calls.length, fast.mock.calls.length]).toEqual([2, 2])
    end()
    await third
  })

  it('survives children that throw at once, reject, or reject with nothing', async () => {
    const throws = () => {
      throw new Error('at once')
    }
    const nothing: unknown = undefined
    const rejects = async (): Promise<void> => {
      await Promise.resolve()
      throw nothing
    }
    const composite = new CompositeTransport<PriceTypes>({
      a: bare({ backgroundExecute: throws, registerRequest: throws }),
      b: bare({
        backgroundExecute: rejects,
        registerRequest: rejects,
      }),
    })
    await composite.backgroundExecute(context)
    await composite.registerRequest({} as never, {} as never)
    await composite.shutdown()
    expect(linesAt('error')).toEqual([
      'The transport "a" failed to execute in the background: Error: at once',
      'The transport "b" failed to execute in the background: undefined',
      'The transport "a" failed to register a request: Error: at once',
      'The transport "b" failed to register a request: undefined',
    ])
  })

  it('registers a request with every child before it returns', async () => {
    const req = {} as never
    const settings = {} as never
    const calls: unknown[] = []
    const registerRequest = (...args: unknown[]) => Promise.resolve(void calls.push(args))
    const composite = new CompositeTransport<PriceTypes>({
      a: bare({ registerRequest }),
      b: bare({}),
      c: bare({ registerRequest }),
    })
    const registered = composite.registerRequest(req, settings)
    expect(calls).toEqual([
      [req, settings],
      [req, settings],
    ])
    await registered
    await new CompositeTransport<PriceTypes>({ a: bare({}), b: bare({}) }).registerRequest(req, settings)
  })

  it('FO-7: names the outages of all its children', () => {
    const outage = (message: string, sinceUnixMs: number) => ({
      code: 'CONNECTION_REFUSED',
      message,
      sinceUnixMs,
    })
    const of = (...outages: (object | undefined)[]) =>
      outageOf(
        new CompositeTransport<PriceTypes>(
          Object.fromEntries(outages.map((one, n) => [`t${n}`, bare({ [OUTAGE]: one } as never)])),
        ),
      )
    expect(of(undefined, undefined)).toBeUndefined()
    expect(of(undefined, outage('b', 2))).toEqual(outage('t1: b', 2))
    expect(of(outage('a', 1), outage('b', 2))).toEqual(outage('t0: a; t1: b', 2))
  })

  it('shows its children to whoever runs transports', () => {
    const [a, b] = [bare({}), bare({})]
    const composite = new CompositeTransport<PriceTypes>({ a, b })
    expect([...composite[CHILDREN]]).toEqual([
      ['a', a],
      ['b', b],
    ])
  })

  it('has what it writes nowhere but in the one place', async () => {
    const { ws, rest } = two()
    await using service = await start({ ws, rest })
    await service.post(ETH)
    await ws.put(ETH, 5)
    const { cache } = service.adapter.dependencies.cache as unknown as { cache: Map<string, AdapterResponse> }
    expect([...cache.keys()]).toEqual(['TEST-price-default_single_transport-{"base":"eth","quote":"usd"}'])
  })
})
