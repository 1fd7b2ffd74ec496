import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { expect, it, vi } from 'vitest'
import { type Adapter } from '../../../src/adapter/adapter'
import { serve } from '../../../src/testing/serve'
import { errorCatchingMiddleware, validatorMiddleware } from '../../../src/public/validation'
import { AdapterInputError } from '../../../src/validation/errors'
import { keyOf, stillAdapter } from '../../http/support'

const request = (contentType: string | undefined, body: unknown) =>
  ({ headers: { 'content-type': contentType }, body }) as unknown as FastifyRequest

/** The style with a callback, of the two that a hook may have. */
type Hook = (req: FastifyRequest, reply: FastifyReply, done: () => void) => void

const hookOf =
  (adapter: Adapter): Hook =>
  (...args) =>
    void validatorMiddleware(adapter)(...args)

const started = async () => {
  const still = stillAdapter()
  const service = await serve(still.adapter)
  return { ...still, hook: hookOf(still.adapter), service }
}

it('the validator leaves a prepared request', async () => {
  const { hook, service } = await started()
  const req = request('application/json', { endpoint: 'CRYPTO', data: { from: 'ETH', quote: 'USD' } })
  const done = vi.fn()
  hook(req, {} as FastifyReply, done)
  expect(done).toHaveBeenCalledExactlyOnceWith()
  expect(req.requestContext).toEqual({
    cacheKey: keyOf('eth', 'usd'),
    data: { base: 'ETH', quote: 'USD' },
    endpointName: 'price',
    requestEndpointName: 'crypto',
    transportName: 'default_single_transport',
    meta: { metrics: { feedId: '{"base":"eth","quote":"usd"}' } },
  })
  await service.stop()
})

it.each([
  [undefined, {}, 'Content type not "application/json", returning 400'],
  ['text/plain', {}, 'Content type not "application/json", returning 400'],
  ['application/json', { endpoint: 'q' }, 'Adapter does not have a "q" endpoint.'],
  ['application/json', null, 'The body of a request should be a JSON object'],
  ['application/json', {}, '[Param: base] param is required but no value was provided'],
])('the validator refuses content type %s with body %j', async (contentType, body, message) => {
  const { hook, service } = await started()
  const done = vi.fn()
  expect(() => hook(request(contentType, body), {} as FastifyReply, done)).toThrow(message)
  expect(done).not.toHaveBeenCalled()
  await service.stop()
})

it('both work in a server of an author’s', async () => {
  const { adapter, transport, service } = await started()
  await transport.put({ base: 'ETH', quote: 'USD' }, 5)
  const app = fastify()
  app.addHook('preHandler', hookOf(adapter))
  app.setErrorHandler(errorCatchingMiddleware)
  app.post('/', async (req) => adapter.findResponseInCache(req as never))
  const post = async (payload: object) => {
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/', payload })
    return [statusCode, body]
  }
  const [statusCode, body] = await post({ data: { base: 'ETH', quote: 'USD' } })
  expect([statusCode, JSON.parse(body as string)]).toMatchObject([200, { result: 5 }])
  expect(await post({ endpoint: 'q' })).toEqual([
    404,
    '{"status":"errored","statusCode":404,"error":{"name":"AdapterError","message":"Adapter does not have a \\"q\\" endpoint."}}',
  ])
  await app.close()
  await service.stop()
})

it.each([
  [
    new AdapterInputError({ statusCode: 418, message: 'm' }),
    418,
    '{"status":"errored","statusCode":418,"error":{"name":"AdapterError","message":"m"}}',
  ],
  [new Error('plain'), 500, 'plain'],
  [new Error(''), 500, 'There was an unexpected error in the adapter.'],
])('the error handler answers %s', async (error, statusCode, text) => {
  const app = fastify()
  app.setErrorHandler(errorCatchingMiddleware)
  app.get('/', () => Promise.reject(error))
  const reply = await app.inject('/')
  expect([reply.statusCode, reply.body]).toEqual([statusCode, text])
  await app.close()
})
