import { type AdapterResponse } from '../feeds/responses'
import { type SettingsDefinitionMap } from '../config/settings'
import { type AdapterRequest, type AdapterRequestContext } from '../transports/transport'
import { deepCopy } from '../util/deep-copy'
import { bareRecord, isObject } from '../util/objects'
import { AdapterDataProviderError } from '../validation/errors'
import { type EmptyInputParameters } from '../validation/input-parameters'
import { Adapter } from './adapter'
import { type AdapterParams } from './params'
import { PriceEndpoint, type PriceEndpointInputParametersDefinition } from './price-endpoint'
import { pure } from './pure'

type IncludeDetails = { from: string; to: string; inverse: boolean; endpoints?: string[] }
type IncludePair = { from: string; to: string; includes: IncludeDetails[] }

/** Pairs that are answered with another pair, or with its inverse. Only the first entry of `includes` counts. */
export type IncludesFile = IncludePair[]

type Pair = { base?: string; quote?: string }
type IncludesMap = Record<string, Record<string, IncludeDetails>>
type PriceMeta = { priceMeta?: { inverse: boolean } }
type PriceRequest<T> = AdapterRequest<T> & { requestContext: AdapterRequestContext<T> & PriceMeta }

const mapOf = (includes: IncludesFile): IncludesMap => {
  const map = bareRecord<Record<string, IncludeDetails>>()
  for (const { from, to, includes: details } of includes) {
    const byQuote = (map[from] ??= bareRecord<IncludeDetails>())
    if (details[0] !== undefined) byQuote[to] = details[0]
  }
  return map
}

/** An adapter of price endpoints, in which some pairs are answered with others (contract 3.3). */
export class PriceAdapter<
  CustomSettings extends SettingsDefinitionMap = SettingsDefinitionMap,
> extends Adapter<CustomSettings> {
  includesMap?: IncludesMap

  constructor(params: AdapterParams<CustomSettings> & { includes?: IncludesFile }) {
    super(params)
    const endpoints = this.endpoints.filter((endpoint) => endpoint instanceof PriceEndpoint)
    if (endpoints.length === 0)
      throw new Error("This PriceAdapter's list of endpoints does not contain a valid PriceEndpoint")
    if (params.includes === undefined) return
    const map = (this.includesMap = mapOf(params.includes))
    for (const endpoint of endpoints) {
      endpoint.requestTransforms.push(pure((req: AdapterRequest<Pair>) => applyIncludes(map, req)))
    }
  }

  override async handleRequest(
    req: PriceRequest<PriceEndpointInputParametersDefinition | EmptyInputParameters>,
    replySent: Promise<unknown>,
  ): Promise<AdapterResponse> {
    const response = await super.handleRequest(req, replySent)
    const isInverse = this.includesMap !== undefined && req.requestContext.priceMeta?.inverse === true
    return isInverse && !response.errorMessage ? inverse(response) : response
  }

  /** Without includes, nothing is inverted. */
  override get changesAnswersBy(): unknown {
    return this.includesMap
  }

  protected override get kind() {
    return PriceAdapter
  }
}

const applyIncludes = (map: IncludesMap, req: PriceRequest<Pair>): void => {
  const context = req.requestContext
  const { data } = context
  if (!data.base || !data.quote) return
  const details = map[data.base]?.[data.quote]
  context.priceMeta = { inverse: details?.inverse ?? false }
  if (details === undefined) return
  if (details.endpoints !== undefined && !details.endpoints.includes(context.endpointName)) {
    throw new Error(
      `Endpoint ${context.endpointName} not supported for ${data.base}/${data.quote} in includes.json`,
    )
  }
  data.base = details.from || data.base
  data.quote = details.to || data.quote
}

/** A copy of a response with inverted values. The entry in the cache is shared by all requests and must not change. */
const inverse = (response: AdapterResponse): AdapterResponse => {
  const copy = deepCopy(response)
  copy.result = inverseOf(copy.result, response)
  const { data } = copy
  if (isObject(data) && data['result']) data['result'] = inverseOf(data['result'], response)
  return copy
}

const inverseOf = (value: unknown, { timestamps }: AdapterResponse): number => {
  const inverted = 1 / Number(value)
  if (value !== null && Number.isFinite(inverted)) return inverted
  throw new AdapterDataProviderError(
    { statusCode: 502, message: `The value ${String(value)} has no inverse` },
    timestamps,
  )
}
