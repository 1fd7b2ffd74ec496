import { posix } from 'node:path'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { JSON_TYPE, sendError, withAnswerStatus } from '../adapter/error-answers'
import { prepareRequest } from '../adapter/prepare'
import { type AdapterRequest } from '../transports/transport'
import { errorOf, isObject, memberOf } from '../util/objects'
import { type Views } from './views'

/**
 * `GET` and `POST <path>/explain`: why a feed is answered as it is. The body is that of a request for its value. A query names the endpoint
 * and the parameters: `?endpoint=price&base=ETH&quote=USD`.
 */
export const addExplain = (app: FastifyInstance, adapter: AnyAdapter, path: string, views: Views): void => {
  const answer = async (req: FastifyRequest, reply: FastifyReply, body: unknown): Promise<void> => {
    try {
      const { request } = prepareRequest(
        adapter,
        Object.assign(req, { body }) as AdapterRequest<unknown>,
        body,
      )
      const text = JSON.stringify(await views.explain(adapter, request))
      void reply.header('content-type', JSON_TYPE).send(text)
    } catch (thrown) {
      sendError(withAnswerStatus(errorOf(thrown)), reply)
    }
  }
  const url = posix.join(path, 'explain')
  app.get(url, (req, reply) => answer(req, reply, bodyOf(adapter, req.query)))
  app.post(url, (req, reply) => answer(req, reply, req.body))
}

/** The body that a query stands for. Texts are read as the endpoint declares its parameters. */
const bodyOf = (adapter: AnyAdapter, query: unknown): object => {
  const { endpoint, ...given } = isObject(query) ? query : {}
  const name = typeof endpoint === 'string' ? endpoint.toLowerCase() : adapter.defaultEndpoint
  const definition: unknown = adapter.endpointsMap[name ?? '']?.inputParameters.definition
  // Not assigned one by one: a parameter `__proto__` is one like any other (IS-3).
  const data = Object.fromEntries(
    Object.entries(given).map(([param, text]) => [param, valueOf(text, typeIn(definition, param))]),
  )
  return { ...(endpoint !== undefined && { endpoint }), data }
}

const typeIn = (definition: unknown, param: string): unknown => {
  const own = memberOf(memberOf(definition, param), 'type')
  if (own !== undefined || !isObject(definition)) return own
  const aliased = Object.values(definition).find((one) => {
    const aliases = memberOf(one, 'aliases')
    return Array.isArray(aliases) && aliases.includes(param)
  })
  return memberOf(aliased, 'type')
}

const valueOf = (text: unknown, type: unknown): unknown => {
  if (typeof text !== 'string') return text
  if (type === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}
