import { ConfigError } from '../config/config-error'
import { matcherOf, spellings } from '../feeds/limits/pattern'
import { isObject, memberOf, messageOf } from '../util/objects'
import { beginningOf } from '../util/redaction'
import { AdapterError } from '../validation/errors'
import { type AnyAdapter } from './adapter'
import { type AnyRequest } from './params'
import { prepareRequest } from './prepare'

/** More are refused: each of them is looked up whenever somebody asks whether the service is ready. */
const MAX_ESSENTIAL = 1_000

/** Of an entry that cannot be used, in characters. */
const MAX_SHOWN = 60

/** The feeds of an adapter without which it is not ready, as its operator and its author declare them. */
export interface EssentialFeeds {
  /** Single feeds, as requests that are ready to be answered. */
  requests: AnyRequest[]
  /** By the names that a feed has in FEED_LIMITS. */
  matchers: ((name: string) => boolean)[]
}

/** @throws ConfigError with all entries that cannot be used */
export const essentialFeedsOf = (adapter: AnyAdapter): EssentialFeeds => {
  const variable = adapter.config.variableOf('READY_ESSENTIAL_FEEDS')
  const entries = [...declared(adapter), ...essentialEntries(adapter)]
  const problems: string[] = []
  const found: EssentialFeeds = { requests: [], matchers: [] }
  entries.forEach((entry, at) => {
    const problem = take(adapter, entry, found)
    if (problem !== undefined) problems.push(`${variable}: ${shown(entry, at)}: ${problem}`)
  })
  if (entries.length > MAX_ESSENTIAL)
    problems.push(`${variable}: ${entries.length} are too many, but up to ${MAX_ESSENTIAL} are allowed`)
  if (problems.length > 0) throw new ConfigError(problems)
  return found
}

/** The adapters that entries of the operator are for, in lower case. Empty for a setting that cannot be used, which is an error elsewhere. */
export const adaptersOfEntries = (adapter: Pick<AnyAdapter, 'config'>): string[] => {
  try {
    return essentialEntries(adapter)
      .map((entry) => memberOf(entry, 'adapter'))
      .filter((name) => typeof name === 'string')
      .map((name) => name.toLowerCase())
  } catch {
    return []
  }
}

/** What the author declares, as an operator would. */
const declared = ({ endpoints }: AnyAdapter): unknown[] =>
  endpoints.flatMap(({ name: endpoint, essentialFeeds = [] }) =>
    essentialFeeds.map((data) => ({ endpoint, data })),
  )

/** What the operator declares. @throws ConfigError for what is no list in JSON */
export const essentialEntries = ({ config }: Pick<AnyAdapter, 'config'>): unknown[] => {
  const { READY_ESSENTIAL_FEEDS: text } = config.settings
  if (!text) return []
  const variable = config.variableOf('READY_ESSENTIAL_FEEDS')
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list)) return list
  } catch (error) {
    throw new ConfigError([`${variable}: is no JSON: ${messageOf(error)}`])
  }
  throw new ConfigError([`${variable}: is no list, such as ["coinbase:ETH/USD"]`])
}

/** @returns what is wrong with an entry */
const take = (
  adapter: AnyAdapter,
  entry: unknown,
  { requests, matchers }: EssentialFeeds,
): string | undefined => {
  if (typeof entry === 'string') {
    if (entry.trim() === '') return 'an empty pattern is not allowed, but the name of a feed'
    matchers.push(matcherOf(entry.trim().toLowerCase()))
    return undefined
  }
  if (!isObject(entry)) return 'is not allowed, but a request {"data":{…}}, or the name of a feed'
  const { adapter: named, ...body } = entry
  if (named !== undefined && !isNamed(adapter, named)) return undefined
  try {
    requests.push(requestFor(adapter, body))
    return undefined
  } catch (error) {
    return error instanceof AdapterError ? error.message : messageOf(error)
  }
}

const isNamed = ({ name }: AnyAdapter, named: unknown): boolean =>
  typeof named === 'string' && spellings(name).includes(named.toLowerCase())

/** @throws AdapterError for a request that would be refused; Error for a feed that cannot be kept wanted */
const requestFor = (adapter: AnyAdapter, body: Record<string, unknown>): AnyRequest => {
  const unsent = { body, headers: {} } as unknown as AnyRequest
  const { endpoint, request } = prepareRequest(adapter, unsent, body)
  const transport = endpoint.transportRoutes.get(request.requestContext.transportName)
  if (transport.registerRequest === undefined)
    throw new Error('its values are got by requests only, so that it cannot be kept wanted')
  return request
}

const shown = (entry: unknown, at: number): string => {
  const text = JSON.stringify(memberOf(entry, 'data') ?? entry) ?? ''
  return `entry ${at + 1} (${beginningOf(text, MAX_SHOWN, '')})`
}
