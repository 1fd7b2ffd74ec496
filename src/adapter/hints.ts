import { isObject } from '../util/objects'
import { AdapterError } from '../validation/errors'
import { type AnyAdapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type EndpointGenerics } from './params'
import { endpointNamedBy } from './prepare'

/** More names than these are no help. */
const MAX_NAMES = 20

/** @returns the names, the first of them where there are many */
export const listed = (names: readonly string[]): string => {
  const [shown, more] = [names.slice(0, MAX_NAMES).join(', '), names.length - MAX_NAMES]
  return more > 0 ? `${shown} and ${more} more` : shown
}

const named = ({ name, aliases = [] }: AdapterEndpoint<EndpointGenerics>): string =>
  aliases.length > 0 ? `${name} (or ${aliases.join(', ')})` : name

const endpointsOf = ({ endpoints }: AnyAdapter): string =>
  `The endpoints of this adapter: ${listed(endpoints.map(named))}`

/** The first member of a body that is a parameter of the endpoint, by the name that the endpoint declares for it. */
const misplaced = (endpoint: AdapterEndpoint<EndpointGenerics>, body: object): string | undefined =>
  endpoint.inputParameters.params.find(({ aliases }) => aliases.some((one) => Object.hasOwn(body, one)))?.name

/**
 * What helps whoever has asked wrongly, beside the contract's text: the endpoints that there are, or where parameters belong. It says
 * nothing of what was sent but names that the adapter has declared.
 *
 * @param body - the parsed body, or its text where it was not parsed
 * @returns undefined where there is nothing to say
 */
export const hintFor = (adapter: AnyAdapter, error: Error, body: unknown): string | undefined => {
  if (!adapter.givesReasons || !(error instanceof AdapterError) || !isObject(body)) return undefined
  if (error.statusCode !== 400 && error.statusCode !== 404) return undefined
  const name = endpointNamedBy(adapter, body)
  const endpoint = typeof name === 'string' ? adapter.endpointsMap[name.toLowerCase()] : undefined
  if (endpoint === undefined) return endpointsOf(adapter)
  const hasData = Object.hasOwn(body, 'data') && body['data'] !== null && body['data'] !== undefined
  const parameter = hasData ? undefined : misplaced(endpoint, body)
  return parameter && `Did you forget "data"? Parameters belong there: {"data":{"${parameter}":…}}`
}
