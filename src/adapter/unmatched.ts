import { LRUCache } from 'lru-cache'
import { type AnyAdapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { listed } from './hints'
import { overridesChosen } from './overrider'
import { type AnyRequest, type EndpointGenerics } from './params'
import { DEFAULT_TRANSPORT_NAME } from '../transports/routes'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { isObject, memberOf } from '../util/objects'
import { beginningOf, censorLogs } from '../util/redaction'

const logger = makeLogger('Requests')

/** What has been said is remembered of so many; of those that were asked for before, it is said again. */
const MAX_TOLD = 1_000
/** Clients choose what they send, and so how many lines there would be (OB-4). */
const LINES_PER_MINUTE = 100
const MAX_SHOWN = 500

type Endpoint = AdapterEndpoint<EndpointGenerics>
type Data = Record<string, unknown>

/** What of a request has no effect, by the kind of it. */
type Finding = readonly [kind: 'overrides' | 'shadowed' | 'unknown', text: string]

const isGiven = (data: Data, name: string): boolean =>
  Object.hasOwn(data, name) && data[name] !== undefined && data[name] !== null

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const quoted = (names: readonly string[]): string => listed(names.map((name) => `"${name}"`))

/** The names under which each parameter is given, those with more than one. The last of them counts, for the others are empty. */
const givenTwice = ({ inputParameters: { params } }: Endpoint, data: Data): readonly string[][] =>
  params
    .map(({ aliases }) => aliases.filter((name) => isGiven(data, name)))
    .filter((names) => names.length > 1)

const shadowed = (endpoint: Endpoint, body: unknown, data: Data): Finding[] => {
  const found = givenTwice(endpoint, data).map((names): Finding => {
    const [counts = '', ...others] = [...names].reverse()
    return ['shadowed', `In "data", "${counts}" counts in the place of ${quoted(others)}, which is empty`]
  })
  const [beside, inside] = [memberOf(body, 'endpoint'), memberOf(data, 'endpoint')]
  const areTwo = isText(beside) && isText(inside) && beside.toLowerCase() !== inside.toLowerCase()
  if (areTwo)
    found.push(['shadowed', `"endpoint" beside "data" counts, and that in it does not: "${inside}"`])
  return found
}

const choosesTransport = ({ transportRoutes }: Endpoint): boolean =>
  !transportRoutes.routeNames().includes(DEFAULT_TRANSPORT_NAME)

const unknown = (endpoint: Endpoint, data: Data): Finding[] => {
  const known = new Set(endpoint.inputParameters.params.flatMap(({ aliases }) => aliases))
  const reserved = ['endpoint', 'overrides', ...(choosesTransport(endpoint) ? ['transport'] : [])]
  const names = Object.keys(data).filter((name) => !known.has(name) && !reserved.includes(name))
  if (names.length === 0) return []
  return [['unknown', `In "data" there is what no parameter of this endpoint is called: ${quoted(names)}`]]
}

const unused = (endpoint: Endpoint, { requestContext }: AnyRequest, data: Data): Finding[] => {
  const { overrides } = data
  if (!isObject(overrides) || Object.keys(overrides).length === 0) return []
  const { adapterName } = endpoint
  const own = overridesChosen(overrides, requestContext.data, adapterName)
  if (!isObject(own)) {
    const names = quoted(Object.keys(overrides))
    return [['overrides', `The overrides are for other adapters than ${adapterName}: ${names}`]]
  }
  const base = endpoint.inputParameters.params.find(({ name }) => name === 'base')?.find(data)
  const isUsed =
    (isText(base) && isGiven(own, base)) || (choosesTransport(endpoint) && isGiven(own, 'transport'))
  if (isUsed) return []
  const asked = isText(base) ? `"${base}" is asked for, and letter case counts` : 'no "base" is asked for'
  return [['overrides', `The overrides replace none of ${quoted(Object.keys(own))}: ${asked}`]]
}

/**
 * Says of requests, at the level debug, what of them has no effect although somebody means it to: overrides that are for another adapter or
 * symbol, a name that is shadowed by another one, and members of `data` that are no parameters. It says so once for each feed, and only what
 * of a request is prepared: those that are answered from memory pay nothing for it.
 */
export class Unmatched {
  private readonly told = new LRUCache<string, true>({ max: MAX_TOLD })
  private readonly limiter = new LogLimiter(60_000, 10, LINES_PER_MINUTE)

  constructor(private readonly adapter: Pick<AnyAdapter, 'name'>) {}

  /**
   * @param request - as it was prepared
   * @param body - as the client sent it
   */
  note(endpoint: Endpoint, request: AnyRequest, body: unknown): void {
    const data = memberOf(body, 'data')
    if (!isObject(data)) return
    const found = [
      ...unused(endpoint, request, data),
      ...shadowed(endpoint, body, data),
      ...unknown(endpoint, data),
    ]
    for (const one of found) this.tell(endpoint.name, request.requestContext.cacheKey, one)
  }

  private tell(endpoint: string, cacheKey: string, [kind, text]: Finding): void {
    const shown = beginningOf(text, MAX_SHOWN)
    const key = `${cacheKey} ${shown}`
    if (this.told.has(key)) return
    this.told.set(key, true)
    this.limiter.run(kind, (repeated) =>
      censorLogs(() => logger.debug({ adapter: this.adapter.name, endpoint, cacheKey, repeated }, shown)),
    )
  }
}
