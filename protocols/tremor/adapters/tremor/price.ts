/**
 * Prices that peers push, or that a provider pushes to us, over a Tremor-style WebSocket connector.
 *
 * Source: protocols/tremor/README.md. One event holds one price, or is a list of such.
 * Units: prices in the quote asset; the time in `TIME_UNIT`.
 */
import {
  CryptoPriceEndpoint,
  type GuardOptions,
  priceEndpointInputParametersDefinition,
} from '../../../../src/public/adapter'
import { type ConnectorEvent, type EventTools, type OutgoingEvent, TremorTransport } from '../..'
import { type ProviderResult } from '../../../../src/public/util'
import { InputParameters } from '../../../../src/public/validation'
import { commonNames } from '../../../../endpoints/common/asset-codes'
import { type Quote, quoteOf } from '../../../../endpoints/common/quote'
import { type config, type TremorSettings } from './config'
import { assetNamesOf, connectorOf } from './connector'
import { eventTime } from './event-time'
import { fieldAt } from './fields'
import { naming } from './symbols'

type Value = ConnectorEvent['value']

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'ETH', quote: 'USD' },
])

type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: Quote }
  Settings: typeof config.settings
}

const textAt = (value: Value, path: string): string => {
  const found = fieldAt(value, path)
  if (typeof found !== 'string') throw new Error(`there is no text at ${path}`)
  return found
}

/** Integers that no number can hold are prices of nothing; those that one can are as good as any. */
const numberAt = (value: Value, path: string): unknown => {
  const found = fieldAt(value, path)
  return typeof found === 'bigint' ? Number(found) : found
}

export const createPriceEndpoint = () => {
  let settings: TremorSettings
  let names: ReadonlyMap<string, string>
  const guards: GuardOptions = { onlyWanted: false }

  const assetAt = (value: Value, path: string, param: string): string => {
    const code = textAt(value, path)
    return naming.common(names.get(code) ?? code, param)
  }

  /** @throws Error that says why there is no price in it */
  const read = (value: Value): ProviderResult<Types> => {
    const { BASE_FIELD, QUOTE_FIELD, PRICE_FIELD, BID_FIELD, ASK_FIELD, TIME_FIELD, TIME_UNIT } = settings
    const params = {
      base: assetAt(value, BASE_FIELD, 'base'),
      quote: assetAt(value, QUOTE_FIELD, 'quote'),
    }
    const quote = quoteOf({
      last: numberAt(value, PRICE_FIELD),
      bid: numberAt(value, BID_FIELD),
      ask: numberAt(value, ASK_FIELD),
    })
    if (quote === undefined) throw new Error('there is no price')
    const given = fieldAt(value, TIME_FIELD)
    const time = given === undefined ? undefined : eventTime(given, TIME_UNIT)
    if (given !== undefined && time === undefined) throw new Error('the time does not fit TIME_UNIT')
    const timestamps = { providerIndicatedTimeUnixMs: time }
    return { params, response: { result: quote.result, data: quote, timestamps } }
  }

  const results = (value: Value, { refuse }: EventTools<Types>): ProviderResult<Types>[] =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => {
      try {
        return [read(one)]
      } catch (error) {
        refuse((error as Error).message)
        return []
      }
    })

  return new CryptoPriceEndpoint<Types>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transport: new TremorTransport<Types>({
      connector(adapterSettings) {
        settings = adapterSettings
        guards.maxAgeMs = settings.MAX_AGE_MS
        names = assetNamesOf(settings)
        return connectorOf(settings)
      },
      handlers: {
        event: ({ value }, tools) => results(value, tools),
        open: ({ adapterSettings }) => greetingOf(adapterSettings),
      },
    }),
    requestTransforms: [commonNames(naming)],
    guards,
  })
}

const greetingOf = ({ GREETING }: TremorSettings): OutgoingEvent[] =>
  GREETING === undefined ? [] : [{ value: JSON.parse(GREETING) as OutgoingEvent['value'] }]
