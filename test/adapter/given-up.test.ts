import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type BaseAdapterSettings } from '../../src/config/settings'
import { type SingleNumberResultResponse } from '../../src/feeds/responses'
import { lateThrows } from '../../src/service/rejections'
import { serve } from '../../src/testing/serve'
import { SubscriptionTransport } from '../../src/transports/subscription-transport'
import { type EndpointContext } from '../../src/transports/transport'
import { asyncLocalStorage } from '../../src/util/logging'
import { OwnedStore } from '../../src/util/owner'
import { InputParameters } from '../../src/validation/input-parameters'

const inputParameters = new InputParameters({ base: { description: 'Base', type: 'string', required: true } })
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
}

const ETH = { base: 'ETH' }

/** A transport as an author writes one: each run waits for the provider, and writes what it says. */
class Polling extends SubscriptionTransport<Types> {
  readonly runs: ((value: number) => void)[] = []
  getSubscriptionTtlFromConfig = () => 3_600_000
  /** What a run has begun and that outlives it. */
  afterwards: ((value: number) => Promise<void>)[] = []

  async backgroundHandler(_context: EndpointContext<Types>, wanted: { base: string }[]): Promise<void> {
    if (wanted.length === 0) return
    const said = new Promise<number>((resolve) => this.runs.push(resolve))
    const value = await said
    const [keep, release] = later<number>()
    void keep.then((next) => this.put(next))
    this.afterwards.push((next) => (release(next), Promise.resolve()))
    await this.put(value)
  }

  private put(value: number): Promise<void> {
    const now = Date.now()
    const timestamps = {
      providerDataRequestedUnixMs: now,
      providerDataReceivedUnixMs: now,
      providerIndicatedTimeUnixMs: undefined,
    }
    const response = { result: value, data: { result: value }, timestamps }
    return this.responseCache.write(this.name, [{ params: ETH, response }])
  }
}

const later = <T>(): [Promise<T>, (value: T) => void] => {
  let release: (value: T) => void = () => {}
  return [new Promise<T>((resolve) => (release = resolve)), (value) => release(value)]
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Lets so much time pass, in steps in which all may react. */
const elapse = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 10) {
    await vi.advanceTimersByTimeAsync(10)
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

const LIMIT_MS = 1_000

const start = async () => {
  const transport = new Polling()
  const endpoint = new AdapterEndpoint<Types>({ name: 'price', transport, inputParameters })
  const make = () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  const env = { CACHE_POLLING_MAX_RETRIES: '0', BACKGROUND_EXECUTE_TIMEOUT: String(LIMIT_MS) }
  const service = await serve(make, { env })
  onTestFinished(() => service.stop())
  await service.post(ETH)
  await elapse(50)
  expect(transport.runs).toHaveLength(1)
  const result = async () => (await service.post(ETH)).json.result as unknown
  const refused = () => transport.responseCache.refusalsOf(transport.name).count('given-up')
  return { transport, service, result, refused }
}

describe('a run of an author’s transport', () => {
  it('that was given up writes nothing any more, not even where nothing was written since', async () => {
    const { transport, result, refused } = await start()
    await elapse(2 * LIMIT_MS + 100)
    expect(transport.runs).toHaveLength(2)
    transport.runs[0]!(1)
    await elapse(20)
    expect(await result()).toBeUndefined()
    expect(refused()).toBe(1)
    transport.runs[1]!(2)
    await elapse(20)
    expect(await result()).toBe(2)
    expect(refused()).toBe(1)
  })

  it('that was given up and has come to its end may have begun what later runs count on', async () => {
    const { transport, result } = await start()
    await elapse(2 * LIMIT_MS + 100)
    transport.runs[0]!(1)
    await elapse(20)
    await transport.afterwards[0]!(3)
    await elapse(20)
    expect(await result()).toBe(3)
  })

  it('IS-4: that was in progress when its adapter begins again writes nothing', async () => {
    const { transport, service, result, refused } = await start()
    const late = new OwnedStore('late', service.adapter.name)
    asyncLocalStorage.run(late, () => lateThrows.hear(new Error('nobody hears this'), 'rejection'))
    transport.runs[0]!(1)
    await elapse(20)
    expect(await result()).toBeUndefined()
    expect(refused()).toBe(1)
    await elapse(1_000)
    expect(transport.runs).toHaveLength(2)
    transport.runs[1]!(2)
    await elapse(20)
    expect(await result()).toBe(2)
  })
})
