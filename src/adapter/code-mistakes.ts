import { ConfigError } from '../config/config-error'
import { DEFAULT_TRANSPORT_NAME } from '../transports/routes'
import { type Transport } from '../transports/transport'
import { makeLogger } from '../util/logging'
import { mistakesOf } from '../util/shape'
import { type AnyAdapter } from './adapter'
import { type EndpointGenerics } from './params'
import { isTransport } from './shapes'

const logger = makeLogger('Adapter')

interface Placed {
  place: string
  transport: Transport<EndpointGenerics>
}

const transportsOf = ({ endpoints }: AnyAdapter): Placed[] =>
  endpoints.flatMap((endpoint) =>
    endpoint.transportRoutes.entries().map(([name, transport]) => ({
      place: `endpoint "${endpoint.name}", transport${name === DEFAULT_TRANSPORT_NAME ? '' : ` "${name}"`}`,
      transport,
    })),
  )

/**
 * Transports that stand in several places. Most write to one endpoint, under one name, so that what is asked of the others stays without a value;
 * an adapter for the reference framework may have one all the same, and its other endpoints work.
 */
const sharedOf = (placed: readonly Placed[]): string[] => {
  const places = new Map<unknown, string[]>()
  for (const { place, transport } of placed) places.set(transport, [...(places.get(transport) ?? []), place])
  return [...places.values()].flatMap((all) => {
    const [last, ...others] = all.reverse()
    if (last === undefined || others.length === 0) return []
    return [
      `${others.reverse().join(' and ')}: the same object as ${last}, where its values would go; make one for each`,
    ]
  })
}

/** What is wrong with the code of an adapter so that it cannot work, as lines that begin with the place. */
export const codeMistakes = (adapter: AnyAdapter): string[] => {
  const placed = transportsOf(adapter)
  const usable = placed.filter(({ transport }) => isTransport(transport, '').length === 0)
  return [
    ...mistakesOf(adapter).map((line) => `adapter: ${line}`),
    ...adapter.endpoints.flatMap((endpoint, index) => {
      const place = endpoint.name === '' ? `endpoints[${index}]` : `endpoint "${endpoint.name}"`
      return mistakesOf(endpoint).map((line) => `${place}: ${line}`)
    }),
    ...placed.flatMap(({ place, transport }) => isTransport(transport, place)),
    ...usable.flatMap(({ place, transport }) => mistakesOf(transport).map((line) => `${place}: ${line}`)),
  ]
}

/** @throws ConfigError with all of them */
export const refuseMistakes = (adapter: AnyAdapter): void => {
  const lines = codeMistakes(adapter)
  if (lines.length === 0) return
  const whose = adapter.name === '' ? 'an adapter' : adapter.name
  throw new ConfigError(lines, `The code of ${whose} has mistakes:\n${lines.join('\n')}`)
}

/** What works, as the contract demands, and is most likely not meant so. */
export const codeWarnings = (adapter: AnyAdapter): string[] => {
  const { name, endpoints, defaultEndpoint } = adapter
  const names = endpoints.flatMap((endpoint) => [endpoint.name, ...(endpoint.aliases ?? [])])
  const isUnknown = !!defaultEndpoint && names.length > 0 && !names.includes(defaultEndpoint)
  const placed = transportsOf(adapter)
  const idle = placed.filter(
    ({ transport: { registerRequest, foregroundExecute, backgroundExecute } }) =>
      (registerRequest ?? foregroundExecute ?? backgroundExecute) === undefined,
  )
  const empty = endpoints.filter(({ transportRoutes }) => transportRoutes.routeNames().length === 0)
  return [
    ...(endpoints.length === 0 ? ['it has no endpoints, so it can answer nothing'] : []),
    ...(isUnknown
      ? [
          `its default endpoint "${defaultEndpoint}" does not exist, so a request that names no endpoint gets an error; there are ${names.join(', ')}`,
        ]
      : []),
    ...empty.map((endpoint) => `endpoint "${endpoint.name}" has no transport, so it can answer nothing`),
    ...idle.map(
      ({ place }) =>
        `${place} has none of registerRequest, foregroundExecute and backgroundExecute, so it can give no value`,
    ),
    ...sharedOf(placed),
  ].map((line) => `${name}: ${line}`)
}

/** Logs them. */
export const warnOfCode = (adapter: AnyAdapter): void => {
  for (const line of codeWarnings(adapter)) logger.warn(line)
}
