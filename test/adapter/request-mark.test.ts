import { beforeEach, describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { PriceAdapter } from '../../src/adapter/price-adapter'
import { PriceEndpoint, priceEndpointInputParametersDefinition } from '../../src/adapter/price-endpoint'
import { pure } from '../../src/adapter/pure'
import { RequestMark } from '../../src/adapter/request-mark'
import { NopTransport } from '../../src/testing/nop-transport'
import { InputParameters } from '../../src/validation/input-parameters'

const pairs = () => new InputParameters(priceEndpointInputParametersDefinition)

const endpointOf = () =>
  new PriceEndpoint({ name: 'price', inputParameters: pairs(), transport: new NopTransport() as never })

let endpoint: ReturnType<typeof endpointOf>
let adapter: PriceAdapter
let mark: RequestMark

beforeEach(() => {
  endpoint = endpointOf()
  adapter = new PriceAdapter({ name: 'ACME', endpoints: [endpoint] })
  mark = new RequestMark(adapter.endpoints[0]!, adapter)
})

describe('the mark of what decides on requests', () => {
  it.each<[string, () => void]>([
    ['the size of keys', () => (adapter.settings.MAX_COMMON_KEY_SIZE = 7)],
    ['how feed ids are spelled', () => (adapter.settings.FEED_ID_JSON = true)],
    ['the prefix of keys', () => (adapter.settings.CACHE_PREFIX = 'other')],
    ['the key of nothing', () => (adapter.settings.DEFAULT_CACHE_KEY = 'NOTHING')],
    [
      'all settings',
      () => (adapter.config.settings = { ...adapter.settings, CACHE_PREFIX: 'other' } as never),
    ],
    ['parameters', () => (endpoint.inputParameters = pairs())],
    ['how many transforms there are', () => endpoint.requestTransforms.push(pure(() => undefined))],
    ['overrides', () => (endpoint.overrides = { BTC: 'XBT' })],
    ['the router', () => (endpoint.customRouter = () => 'ws')],
    ['input validation', () => (endpoint.customInputValidation = () => undefined)],
    ['output validation', () => (endpoint.customOutputValidation = () => undefined)],
    ['the handler', () => (adapter.handleRequest = () => Promise.reject(new Error('replaced')))],
    [
      'the validating handler',
      () => (adapter.handleRequestWithValidation = adapter.handleRequest.bind(adapter)),
    ],
    ['the validator', () => (adapter.validateOutput = () => undefined)],
    ['the look into the cache', () => (adapter.findResponseInCache = () => Promise.resolve(undefined))],
    ['the includes of a price adapter', () => (adapter.includesMap = {})],
  ])('is another once there is another of: %s', (_what, change) => {
    const before = mark.now()
    expect(mark.now()).toBe(before)
    change()
    const after = mark.now()
    expect(after).not.toBe(before)
    expect(mark.now()).toBe(after)
  })

  it('stays when what changes decides on nothing', () => {
    const before = mark.now()
    adapter.settings.CACHE_POLLING_MAX_RETRIES = 3
    endpoint.aliases = ['other']
    adapter.rateLimiting = undefined
    expect(mark.now()).toBe(before)
  })

  it('is never again what it was before a change', () => {
    const before = mark.now()
    const { inputParameters } = endpoint
    endpoint.inputParameters = pairs()
    mark.now()
    endpoint.inputParameters = inputParameters
    expect(mark.now()).not.toBe(before)
  })

  it('is there for adapters of any kind', () => {
    const plain = new Adapter({ name: 'PLAIN', endpoints: [endpointOf()] })
    expect(new RequestMark(plain.endpoints[0]!, plain).now()).toBe(0)
  })
})
