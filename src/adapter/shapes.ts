import { type GuardOptions } from '../feeds/guards'
import { memberOf } from '../util/objects'
import {
  aBoolean,
  aFunction,
  aNumber,
  anObject,
  aText,
  type Check,
  either,
  listOf,
  made,
  members,
  oneOf,
  onlyMembers,
  optional,
  type Shape,
} from '../util/shape'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type EndpointGenerics } from './params'

export const isEndpoint = made('an AdapterEndpoint', 'initialize', 'runRequestTransforms')

/** Those among an adapter's endpoints that are ones. */
export const endpointsIn = (given: unknown): AdapterEndpoint<EndpointGenerics>[] => {
  const all: unknown = memberOf(given, 'endpoints')
  if (!Array.isArray(all)) return []
  return (all as AdapterEndpoint<EndpointGenerics>[]).filter((one) => isEndpoint(one, '').length === 0)
}

export const isTransport = made('a transport', 'initialize')

const maybeFunction = optional(aFunction)
const maybeNumber = optional(aNumber)

/** The shape of the options of an adapter. */
export const adapterShape: Shape = {
  name: aText,
  defaultEndpoint: optional(aText),
  endpoints: listOf(isEndpoint),
  rateLimiting: optional(members({ tiers: anObject, requireTierSelection: optional(aBoolean) })),
  bootstrap: maybeFunction,
  config: optional(made('an AdapterConfig', 'initialize', 'validate')),
}

const guards = onlyMembers({
  futureToleranceMs: maybeNumber,
  maxAgeMs: maybeNumber,
  sign: optional(oneOf('positive', 'any')),
  allowZero: optional(aBoolean),
  min: maybeNumber,
  max: maybeNumber,
  fields: optional(listOf(aText)),
  maxJump: optional(
    either('a number, or an object with a ratio', aNumber, members({ ratio: aNumber, perMs: maybeNumber })),
  ),
  frozenAfterMs: maybeNumber,
  onlyWanted: optional(aBoolean),
  policy: optional(anObject),
  maxHoldMs: maybeNumber,
} satisfies Record<keyof GuardOptions, Check>)

const routes = made(
  'a transport as "transport", or TransportRoutes as "transportRoutes"',
  'entries',
  'get',
  'routeNames',
)

/** The shape of the options of an endpoint. The transports themselves are looked at when the adapter starts. */
export const endpointShape = (given: object): Shape => ({
  name: aText,
  aliases: optional(listOf(aText)),
  inputParameters: optional(made('new InputParameters(...)', 'validateInput')),
  rateLimiting: optional(members({ allocationPercentage: maybeNumber })),
  cacheKeyGenerator: maybeFunction,
  customInputValidation: maybeFunction,
  customOutputValidation: maybeFunction,
  requestTransforms: optional(listOf(aFunction)),
  caseSensitive: optional(aBoolean),
  overrides: optional(anObject),
  guards: optional(guards),
  freshness: optional(
    members({
      mode: oneOf('tick', 'confirmed', 'scheduled'),
      maxAgeMs: aNumber,
      hardMaxAgeMs: maybeNumber,
    }),
  ),
  essentialFeeds: optional(listOf(anObject)),
  customRouter: maybeFunction,
  defaultTransport: optional(aText),
  enableCompositeTransport: optional(aBoolean),
  ...(!('transport' in given) && { transportRoutes: routes }),
})
