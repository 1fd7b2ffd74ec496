import { type ProviderResult } from '../../src/public/util/types'
import { LogLimiter } from '../../src/util/log-limiter'
import { makeLogger } from '../../src/util/logging'
import { type TypeFromDefinition } from '../../src/public/validation/input-params'
import {
  type HttpTransportConfig,
  type HttpTransportGenerics,
  type ProviderRequestConfig,
} from '../../src/public/transports/http'
import { type ContentTypeMapping } from './mapping'
import { SnapshotBuilder } from './snapshot'
import { Ambiguous, BySpelling } from './spellings'
import { instant } from '../../src/util/clock'

const logger = makeLogger('StrapiRest')

/** Strapi's own limit for the size of a page, unless its configuration has another. */
const DEFAULT_PAGE_SIZE = 100
const DEFAULT_FEEDS_PER_REQUEST = 20
const MAX_ANSWER_BYTES = 16 * 1_048_576

const NO_ENTRY = 'Strapi has no published entry for this'
const NO_USABLE_ENTRY = 'Strapi has no published entry for this that can be used'
const CROWDED = 'Strapi has more entries than fit in one answer'

type Params<T extends HttpTransportGenerics> = TypeFromDefinition<T['Parameters']>

export interface StrapiRestOptions<T extends HttpTransportGenerics> {
  /** REST address of the content type, such as `https://cms.example/api/prices`, and an API token that may `find` in it. */
  connection: (adapterSettings: T['Settings']) => { url: string; token: string }
  /** From entries to results, as for a pull. */
  mapping: (adapterSettings: T['Settings']) => ContentTypeMapping<ProviderResult<T>>
  /** The attributes by which the entry of a feed is found, with their values: spelled exactly, else alike but for letter case if only one is. */
  identify: (params: Params<T>, adapterSettings: T['Settings']) => Readonly<Record<string, string>>
  /** Attribute with the time that an entry is from: of several entries for one feed, the latest is asked for first. */
  timeAttribute: (adapterSettings: T['Settings']) => string
  /** Further conditions, as Strapi spells them: `{ 'filters[halted][$eq]': 'false' }`. Default none. */
  filters?: Readonly<Record<string, string>>
  /** Entries per page; not more than the server's `api.rest.maxLimit`. Default 100. */
  pageSize?: number
  /** Feeds that one request asks for. Default 20. */
  feedsPerRequest?: number
}

const chunks = <E>(list: readonly E[], size: number): E[][] => {
  const parts: E[][] = []
  for (let from = 0; from < list.length; from += size) parts.push(list.slice(from, from + size))
  return parts
}

const identityOf = (attributes: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(attributes))

type Json = Record<string, unknown>

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {}

/**
 * The gentle way to Strapi's content: an HTTP transport that asks the REST interface for the wanted feeds of one content type, many in
 * one request, newest entries first. Pace it by the adapter's rate limit.
 *
 * Where the entries of the feeds of one request do not fit into a page (a table that keeps old observations), each feed gets a request
 * of its own from then on: its latest entry is always the first.
 *
 * @example
 * const transport = new HttpTransport<Types>(strapiRest({ ... }))
 */
export const strapiRest = <T extends HttpTransportGenerics>(
  options: StrapiRestOptions<T>,
): HttpTransportConfig<T> => {
  const { filters = {}, pageSize = DEFAULT_PAGE_SIZE } = options
  const limiter = new LogLimiter()
  let feedsPerRequest = options.feedsPerRequest ?? DEFAULT_FEEDS_PER_REQUEST

  const queryFor = (params: Params<T>[], settings: T['Settings']): Record<string, string> => {
    const { locale } = options.mapping(settings)
    const query: Record<string, string> = {
      ...filters,
      status: 'published',
      'sort[0]': `${options.timeAttribute(settings)}:desc`,
      'pagination[page]': '1',
      'pagination[pageSize]': String(pageSize),
      ...(locale === undefined ? {} : { locale }),
    }
    params.forEach((one, place) => {
      for (const [name, value] of Object.entries(options.identify(one, settings)))
        query[`filters[$or][${place}][${name}][$eqi]`] = value
    })
    return query
  }

  const fault = (reason: string, detail: string, err?: unknown): void => {
    limiter.run(reason, (repeated) =>
      logger.warn({ reason, detail, repeated, err }, 'An entry of Strapi is not used'),
    )
  }

  return {
    prepareRequests: (params, settings) =>
      chunks(params, feedsPerRequest).map((feeds): ProviderRequestConfig<T> => {
        const { url, token } = options.connection(settings)
        return {
          params: feeds,
          request: {
            url,
            headers: { Authorization: `Bearer ${token}` },
            params: queryFor(feeds, settings),
            maxContentLength: MAX_ANSWER_BYTES,
            // The token is for this server alone.
            maxRedirects: 0,
          },
        }
      }),

    parseResponse(params, response, settings) {
      const { data, meta } = objectOf(response.data)
      if (!Array.isArray(data)) throw new Error('Strapi answered with something else than a list of entries')
      const now = instant()
      const mapping = options.mapping(settings)
      const builder = new SnapshotBuilder<ProviderResult<T>>({
        mappings: [mapping],
        maxRows: pageSize,
        keyOf: (result) => identityOf(options.identify(result.params, settings)),
        onFault: fault,
      })
      for (const entry of data.map(objectOf)) {
        if (typeof entry.id === 'number')
          builder.add([{ type: mapping.contentType, id: entry.id, data: entry }], now)
        else builder.malformed(mapping.contentType)
      }
      const { results, isUnspoiled } = builder.build(now)
      const isWhole = Number(objectOf(objectOf(meta).pagination).pageCount ?? 1) <= 1
      if (!isWhole && params.length > 1) feedsPerRequest = 1
      const missing = isWhole ? (isUnspoiled ? NO_ENTRY : NO_USABLE_ENTRY) : CROWDED
      const named = [...results.values()].map((result) => ({
        names: options.identify(result.params, settings),
        result,
      }))
      const bySpelling = new BySpelling(named)
      return params.map((one): ProviderResult<T> => {
        const result = bySpelling.find(options.identify(one, settings))
        if (result instanceof Ambiguous)
          return { params: one, response: { statusCode: 400, errorMessage: result.message } }
        return result === undefined
          ? { params: one, response: { statusCode: 502, errorMessage: missing } }
          : { params: one, response: result.response }
      })
    },
  }
}
