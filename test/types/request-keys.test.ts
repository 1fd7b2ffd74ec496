import { expect, expectTypeOf, it } from 'vitest'
import { type EndpointContext } from '../../src/public/adapter'
import { calculateCacheKey, calculateFeedId, calculateHttpRequestKey } from '../../src/public/cache'
import { AdapterConfig } from '../../src/public/config'
import { getMetricsMeta } from '../../src/public/metrics/util'
import { type TransportGenerics } from '../../src/public/transports'
import {
  messageSubsLabels,
  recordWsMessageSentMetrics,
  recordWsMessageSubMetrics,
} from '../../src/public/transports/metrics'
import { type SingleNumberResultResponse } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { type TypeFromDefinition } from '../../src/public/validation/input-params'

const config = new AdapterConfig({ API_KEY: { description: 'Key', type: 'string', sensitive: true } })
const inputParameters = new InputParameters({
  base: { description: 'Base', type: 'string', required: true },
  addresses: {
    description: 'Wallets',
    type: { address: { description: 'Address', type: 'string', required: true } },
    array: true,
    required: true,
  },
})
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
}
interface Asked {
  base: string
  page?: number
}
config.initialize()
const settings: Types['Settings'] = config.settings
const params = { base: 'ETH', addresses: [{ address: '0x1' }] }
const KEY = 'e-t-{"addresses":[{"address":"0x1"}],"base":"eth"}'

it('take the context that adapters write by hand, with or without their types named, contract 18.5', () => {
  const context = { adapterSettings: settings, inputParameters, endpointName: 'e' }
  const asked: Asked = { base: 'ETH' }
  const keys = [
    calculateHttpRequestKey<Types>({
      context: { adapterSettings: settings, inputParameters, endpointName: 'e' },
      data: params,
      transportName: 't',
    }),
    calculateHttpRequestKey({
      context: { adapterSettings: settings, inputParameters, endpointName: 'e' },
      data: params,
      transportName: 't',
    }),
    calculateHttpRequestKey<Types>({
      context: { adapterSettings: settings, endpointName: 'e' },
      data: params,
      transportName: 't',
    }),
    calculateHttpRequestKey<Types>({ context, data: params, transportName: 't' }),
  ]
  expect(new Set(keys)).toEqual(new Set([KEY]))
  expect(calculateHttpRequestKey({ context, data: [asked, asked], transportName: 't' })).toContain('[')
  // @ts-expect-error -- a key is of an endpoint
  calculateHttpRequestKey({ context: { adapterSettings: settings }, data: params, transportName: 't' })
  // @ts-expect-error -- there is no other member
  calculateHttpRequestKey({ context: { ...context, transport: 't' }, data: params, transportName: 't' })
})

it('label feeds with the same contexts', () => {
  const labels = messageSubsLabels<Types>(
    { inputParameters, endpointName: 'e', adapterSettings: settings },
    params,
  )
  expectTypeOf(labels).toEqualTypeOf<{ feed_id: string; subscription_key: string }>()
  expect(
    messageSubsLabels({ inputParameters, endpointName: 'e', adapterSettings: settings }, params),
  ).toEqual(labels)
  const feedId = calculateFeedId<Types>({ adapterSettings: settings }, params)
  expect(getMetricsMeta<Types>({ inputParameters, adapterSettings: settings }, params)).toEqual({ feedId })
  const of = {
    data: params,
    adapterName: 'A',
    endpointName: 'e',
    adapterSettings: settings,
    transportName: 't',
  }
  expect(calculateCacheKey<Types>(of)).toBe(`A-${KEY}`)
})

/** Never called: it has to compile in a transport that does not know its types. */
export const inGenericTransport = <T extends TransportGenerics>(
  context: EndpointContext<T>,
  wanted: TypeFromDefinition<T['Parameters']>[],
): string => {
  recordWsMessageSentMetrics<T>(context, wanted, [])
  recordWsMessageSubMetrics(context, [], wanted)
  messageSubsLabels<T>(context, wanted[0]!)
  const { adapterSettings, endpointName } = context
  return calculateHttpRequestKey<T>({
    context: { adapterSettings, endpointName, inputParameters: context.inputParameters },
    data: wanted,
    transportName: 't',
  })
}
