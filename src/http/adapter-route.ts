import { randomUUID } from 'node:crypto'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Adapter } from '../adapter/adapter'
import { type AdapterEndpoint } from '../adapter/adapter-endpoint'
import { type EndpointGenerics } from '../adapter/params'
import { prepareRequest } from '../adapter/prepare'
import { type AdapterResponse } from '../cache/responses'
import { type AdapterRequest } from '../transports/transport'
import { asyncLocalStorage } from '../util/logging'
import { AdapterInputError } from '../validation/errors'
import { type EmptyInputParameters } from '../validation/input-parameters'
import { JSON_TYPE, logError, sendError } from './errors'
import { type Plan, PlanMemo } from './plans'
import { RequestStats } from './request-stats'

declare module 'fastify' {
  interface FastifyRequest {
    /** The plan of this body, if it has been seen before. */
    plan: Plan | undefined
    /** The body as it came; undefined when it was not JSON. */
    rawJson: string | undefined
  }
}

type Request = AdapterRequest<EmptyInputParameters>

/** Lawful in front of a body, and nothing that `JSON.parse` knows. */
const BYTE_ORDER_MARK = 0xfeff

const JSON_CONTENT = /^application\/json\s*(;|$)/i

/**
 * Answers the requests of one adapter at one path. A body seen before whose feed has a live value is answered from that feed's
 * rendered bytes; everything else takes the long way through {@link Adapter.handleRequestWithValidation}.
 */
export class AdapterRoute {
  private readonly plans: PlanMemo
  private readonly stats: RequestStats
  private readonly isMeasured: boolean

  constructor(private readonly adapter: Adapter) {
    const { METRICS_ENABLED, EXPERIMENTAL_METRICS_ENABLED } = adapter.settings
    this.isMeasured = METRICS_ENABLED && EXPERIMENTAL_METRICS_ENABLED
    this.plans = new PlanMemo(adapter)
    this.stats = new RequestStats(adapter.name)
  }

  /** Puts the route on a server, in a scope of its own: its parser is for this adapter's plans. */
  async mount(app: FastifyInstance, ...paths: string[]): Promise<void> {
    await app.register((scope, _options, done) => {
      const parseJson = scope.getDefaultJsonParser('error', 'error')
      scope.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (req, text, parsed) => {
        const body = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
        const plan = this.plans.get(body)
        req.rawJson = body
        req.plan = plan
        if (plan !== undefined) parsed(null, body)
        else void parseJson(req, body, parsed)
      })
      scope.setErrorHandler((error: Error, req, reply) =>
        this.withCorrelation(req, () => this.refuse(error, req, reply)),
      )
      for (const path of paths) scope.post(path, (req, reply) => this.handle(req, reply))
      done()
    })
    app.addHook('onClose', () => this.stats.stop())
  }

  private handle(req: FastifyRequest, reply: FastifyReply): Promise<void> | void {
    const startedAtMs = performance.now()
    const { plan } = req
    if (plan !== undefined && this.answerFromPlan(plan, reply, startedAtMs)) return
    return this.withCorrelation(req, () => this.answer(req, reply, startedAtMs))
  }

  /** @returns false when the feed has no live value */
  private answerFromPlan(plan: Plan, reply: FastifyReply, startedAtMs: number): boolean {
    const { feed } = plan
    const entry = plan.cache.read(feed.key)
    if (entry === undefined) return false
    const { value } = entry
    const statusCode = value.statusCode || 200
    const body = (entry.body ??= JSON.stringify(value))
    if (statusCode !== 200) reply.code(statusCode)
    void reply.header('content-type', JSON_TYPE).send(body)
    plan.want()
    feed.lastUsedAt = feed.lastHitAt = Date.now()
    feed.gets++
    if (statusCode === 200) feed.hits++
    else this.stats.count({ feedId: feed.feedId, isCacheHit: true, statusCode })
    if (this.isMeasured) this.stats.observe(startedAtMs, plan.payloadBytes)
    return true
  }

  private async answer(req: FastifyRequest, reply: FastifyReply, startedAtMs: number): Promise<void> {
    try {
      const request = req as Request
      const body = this.bodyOf(req)
      request.body = body as Request['body']
      const endpoint = prepareRequest(this.adapter, request, body)
      if (req.rawJson !== undefined) this.plans.learn(req.rawJson, endpoint, request)
      const response = await this.adapter.handleRequestWithValidation(
        request,
        reply as unknown as Promise<unknown>,
      )
      this.send(response, endpoint, req, reply)
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      this.fail(error, req, reply)
    }
    if (this.isMeasured) this.stats.observe(startedAtMs, Buffer.byteLength(req.rawJson ?? ''))
  }

  /** The parsed body; parsed only now where a plan made that unnecessary and the plan's feed has no value. */
  private bodyOf(req: FastifyRequest): unknown {
    const type = req.headers['content-type']
    if (req.rawJson === undefined || type === undefined || !JSON_CONTENT.test(type)) {
      throw new AdapterInputError({
        statusCode: 400,
        message: 'Content type not "application/json", returning 400',
      })
    }
    return req.plan === undefined ? req.body : (JSON.parse(req.rawJson) as unknown)
  }

  private send(
    response: Readonly<AdapterResponse>,
    endpoint: AdapterEndpoint<EndpointGenerics>,
    req: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const statusCode = response.statusCode || 200
    void reply.code(statusCode).header('content-type', JSON_TYPE).send(JSON.stringify(response))
    const { cacheKey, data, meta, transportName } = req.requestContext
    const isCacheHit = meta?.metrics?.cacheHit === true
    if (isCacheHit && statusCode === 200) {
      const feed = endpoint.responseCache?.feed(transportName, data as Record<string, unknown>)
      // A key of the author's making has no feed to be counted on.
      if (feed?.key === cacheKey) return void feed.hits++
    }
    this.stats.count({ feedId: meta?.metrics?.feedId ?? 'N/A', isCacheHit, statusCode })
  }

  /** What the server refuses before it is a request: the body, mostly. */
  private refuse(error: Error, req: FastifyRequest, reply: FastifyReply): void {
    this.fail(error, req, reply)
    if (this.isMeasured) this.stats.observe(performance.now() - reply.elapsedTime)
  }

  private fail(error: Error, req: FastifyRequest, reply: FastifyReply): void {
    logError(error, req, req.rawJson)
    sendError(error, reply)
    const feedId = req.requestContext?.meta?.metrics?.feedId ?? 'N/A'
    this.stats.count({ feedId, error, isCacheHit: false, statusCode: reply.statusCode })
  }

  private withCorrelation<R>(req: FastifyRequest, run: () => R): R {
    if (!this.adapter.settings.CORRELATION_ID_ENABLED) return run()
    const given = req.headers['x-correlation-id']
    const correlationId = typeof given === 'string' && given !== '' ? given : randomUUID()
    return asyncLocalStorage.run({ correlationId }, run)
  }
}
