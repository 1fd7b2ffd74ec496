import { isMeasured } from '../config/server-settings'
import { generatedCacheKey } from '../feeds/keys'
import { type AdapterRequest, type AdapterRequestContext } from '../transports/transport'
import { isObject } from '../util/objects'
import { AdapterInputError } from '../validation/errors'
import { validateOverrides } from '../validation/overrides'
import { type AnyAdapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type AnyRequest, type EndpointGenerics } from './params'

type Endpoint = AdapterEndpoint<EndpointGenerics>
type Data = AnyRequest['requestContext']['data']

/** A request that is ready to be answered, and the endpoint that answers it. */
export interface Prepared {
  endpoint: Endpoint
  request: AnyRequest
}

const inputError = (statusCode: number, message: string) => new AdapterInputError({ statusCode, message })

const ownMember = (of: unknown, name: string): unknown =>
  isObject(of) && Object.hasOwn(of, name) ? of[name] : undefined

/** What a body names as its endpoint, in `endpoint` or else in `data.endpoint`; else the default endpoint (contract 6.2). */
export const endpointNamedBy = (adapter: AnyAdapter, body: unknown): unknown =>
  ownMember(body, 'endpoint') || ownMember(ownMember(body, 'data'), 'endpoint') || adapter.defaultEndpoint

const findEndpoint = (adapter: AnyAdapter, body: unknown): { name: string; endpoint: Endpoint } => {
  const named = endpointNamedBy(adapter, body)
  if (!named) {
    throw inputError(
      400,
      'Request body does not specify an endpoint, and there is no default endpoint configured for this adapter.',
    )
  }
  if (typeof named !== 'string') throw inputError(400, 'The endpoint of a request should be a string')
  const name = named.toLowerCase()
  const endpoint = adapter.endpointsMap[name]
  if (endpoint === undefined) throw inputError(404, `Adapter does not have a "${name}" endpoint.`)
  return { name, endpoint }
}

/**
 * Makes a request ready to be answered: validates its parameters, routes and transforms it, and finds its feed. The contract prescribes
 * this order (6.3). The result is put into `req.requestContext`.
 *
 * @param body - the parsed body
 * @throws AdapterError for mistakes of the client; whatever the author's hooks throw
 */
export const prepareRequest = (
  adapter: AnyAdapter,
  req: AdapterRequest<unknown>,
  body: unknown,
): Prepared => {
  if (!isObject(body)) throw inputError(400, 'The body of a request should be a JSON object')
  const { settings } = adapter
  const data = ownMember(body, 'data') ?? {}
  const { name, endpoint } = findEndpoint(adapter, body)
  if (isObject(data)) validateOverrides(data)
  const validated = endpoint.inputParameters.validateInput(data)
  const context: AdapterRequestContext<Data> = {
    cacheKey: '',
    data: validated,
    endpointName: endpoint.name,
    requestEndpointName: name,
    transportName: '',
  }
  const request = Object.assign(req, { requestContext: context })
  // Routers and validators read the body as the client sent it, except that `data` is always an object.
  if (!isObject(body['data'])) body['data'] = data
  context.transportName = endpoint.getTransportNameForRequest(request, settings)
  const problem = endpoint.customInputValidation?.(request, settings)
  if (problem) throw problem
  endpoint.runRequestTransforms(request, settings)
  identify(endpoint, request, validated, settings)
  return { endpoint, request }
}

/** Sets the cache key of a request, and its feed id where metrics are on. */
const identify = (
  endpoint: Endpoint,
  { requestContext: context }: AnyRequest,
  validated: Data,
  settings: AnyAdapter['settings'],
): void => {
  const responseCache = endpoint.responseCache!
  if (isMeasured(settings)) {
    // contract 6.3: the feed id comes from the validated object, even if a transform has replaced that object
    const { feedId } = responseCache.feed(context.transportName, validated)
    context.meta = { ...context.meta, metrics: { ...context.meta?.metrics, feedId } }
  }
  const generated = endpoint.cacheKeyGenerator?.(context.data)
  context.cacheKey =
    generated === undefined
      ? responseCache.feedAskedFor(context.transportName, context.data).key
      : generatedCacheKey(generated, settings)
}
