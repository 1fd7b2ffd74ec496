import { isMeasured } from '../config/server-settings'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { type AdapterEndpoint } from '../adapter/adapter-endpoint'
import { type AnyRequest, type EndpointGenerics } from '../adapter/params'
import { prepareRequest } from '../adapter/prepare'
import { type AnswerForm, type Written } from '../feeds/answer-form'
import { answerStatusOf, rendered, textOf } from '../feeds/answerable'
import { told } from '../feeds/error-reason'
import { type LocalCacheEntry } from '../feeds/local-cache'
import { type AdapterResponse } from '../feeds/responses'
import { type AdapterRouteGeneric } from '../transports/transport'
import { asyncLocalStorage, isWritten } from '../util/logging'
import { errorOf } from '../util/objects'
import { OwnedStore } from '../util/owner'
import { correlationIdOf } from './correlation'
import { requireJson } from '../adapter/content-type'
import {
  ErrorLines,
  hasLeft,
  JSON_TYPE,
  logError,
  sendError,
  withAnswerStatus,
} from '../adapter/error-answers'
import { type FastLane, type LanedRoute } from './fast-lane'
import { hintFor } from '../adapter/hints'
import { type Plan, PlanMemo } from '../adapter/plans'
import { requestRoom } from '../adapter/request-room'
import { RequestStats } from '../adapter/request-stats'
import { Unmatched } from '../adapter/unmatched'

declare module 'fastify' {
  interface FastifyRequest {
    /** The plan for what this body asks for, if that has been asked for before. */
    plan: Plan | undefined
    /** The body as it came; undefined when it was not JSON. */
    rawJson: string | undefined
  }
}

type Request = FastifyRequest<AdapterRouteGeneric>

/** A body may begin with this, and `JSON.parse` does not accept it. */
const BYTE_ORDER_MARK = 0xfeff
/** What a request takes in memory while it waits for its answer, without a long body. */
const BYTES_PER_REQUEST = 16_384

/** Where the bytes of an entry's answer are: in the form that nearly all ask for they are with the entry. */
const writtenOf = (entry: LocalCacheEntry<AdapterResponse>, form: AnswerForm | undefined): Written =>
  form === undefined ? entry : form.writtenOf(entry.value)

/** The body of an entry in a form, rendered once; undefined where JSON cannot hold it. */
const bodyOf = (
  entry: LocalCacheEntry<AdapterResponse>,
  form: AnswerForm | undefined,
  givesReasons: boolean,
): string | undefined =>
  (writtenOf(entry, form).body ??= textOf(inForm(givesReasons ? told(entry.value) : entry.value, form)))

const inForm = (response: Readonly<AdapterResponse>, form: AnswerForm | undefined): typeof response =>
  form === undefined ? response : form.of(response)

/** The body, for the {@link FastLane}; empty for answers that it does not send: errors, and text that is not ASCII only. */
const tailOf = (
  entry: LocalCacheEntry<AdapterResponse>,
  form: AnswerForm | undefined,
  givesReasons: boolean,
): string => {
  const body = answerStatusOf(entry.value) === 200 ? bodyOf(entry, form, givesReasons) : undefined
  if (body === undefined || Buffer.byteLength(body) !== body.length) return ''
  return body
}

/**
 * Answers the requests of one adapter. One for a feed that was asked for before in the same words, and has a live value, is answered with
 * that feed's rendered bytes, in most cases by the server's {@link FastLane}. All other requests are prepared and go through
 * {@link Adapter.handleRequestWithValidation}.
 */
export class AdapterRoute implements LanedRoute<Plan> {
  private readonly plans: PlanMemo
  private readonly stats: RequestStats
  private readonly isMeasured: boolean
  private readonly isObserved: boolean
  private readonly errorLines: ErrorLines
  /** Undefined where nobody would read it. */
  private readonly unmatched: Unmatched | undefined
  private lane: FastLane | undefined

  constructor(private readonly adapter: AnyAdapter) {
    this.isMeasured = isMeasured(adapter.settings)
    this.isObserved = adapter.runsAuthorCode()
    this.errorLines = new ErrorLines((name) => (name && adapter.endpointsMap[name]) || adapter)
    this.plans = new PlanMemo(adapter)
    if (adapter.givesReasons && isWritten('debug')) this.unmatched = new Unmatched(adapter)
    this.stats = new RequestStats(adapter.name, () => adapter.settings.METRICS_MAX_FEEDS)
  }

  /** Adds the route to a server, in a scope of its own, because its parser uses the plans of this adapter. */
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
      scope.setErrorHandler((error: Error, req, reply) => {
        this.correlated(req, () => this.refuse(error, req, reply))
      })
      for (const path of paths) scope.post<AdapterRouteGeneric>(path, (req, reply) => this.handle(req, reply))
      done()
    })
    this.lane = app.fastLane
    app.addHook('onClose', () => this.stats.stop())
  }

  private handle(req: Request, reply: FastifyReply): Promise<void> | void {
    const startedAtMs = performance.now()
    const { plan } = req
    const entry = plan?.read()
    const statusCode = entry && answerStatusOf(entry.value)
    const body = entry && bodyOf(entry, plan?.form, this.adapter.givesReasons)
    // What somebody stored by himself may be no answer as it is: the long way makes one of it.
    if (plan === undefined || statusCode === undefined || body === undefined)
      return this.correlated(req, () => this.answer(req, reply, startedAtMs))
    void reply.code(statusCode).header('content-type', JSON_TYPE).send(body)
    this.lane?.learn(req.raw, this)
    this.noteHit(plan, statusCode, startedAtMs, this.payloadBytes(req))
  }

  find(raw: string, bodyAt: number, bodyEnd: number): Plan | undefined {
    return this.plans.get(raw, bodyAt, bodyEnd)
  }

  read(plan: Plan): string | undefined {
    const entry = plan.read()
    if (entry === undefined) return undefined
    const { form } = plan
    return (writtenOf(entry, form).tail ??= tailOf(entry, form, this.adapter.givesReasons)) || undefined
  }

  sent(plan: Plan, startedAtMs: number, bytes: number): void {
    this.noteHit(plan, 200, startedAtMs, bytes)
  }

  private noteHit(plan: Plan, statusCode: number, startedAtMs: number, bytes: number): void {
    const { feed } = plan
    plan.want()
    feed.lastHitAt = Date.now()
    feed.gets++
    if (statusCode === 200) feed.hits++
    else this.stats.count({ feedId: feed.feedId, isCacheHit: true, statusCode })
    if (this.isMeasured) this.stats.observe(startedAtMs, bytes)
  }

  private payloadBytes({ rawJson = '' }: FastifyRequest): number {
    return this.isMeasured ? Buffer.byteLength(rawJson) : 0
  }

  private async answer(req: Request, reply: FastifyReply, startedAtMs: number): Promise<void> {
    let taken = 0
    try {
      requestRoom.take(BYTES_PER_REQUEST)
      taken = BYTES_PER_REQUEST
      const body = this.jsonOf(req)
      const { endpoint, request } = prepareRequest(this.adapter, Object.assign(req, { body }), body)
      if (req.plan === undefined) this.unmatched?.note(endpoint, request, body)
      if (req.rawJson !== undefined) this.plans.learn(req.rawJson, endpoint, request)
      const response = await this.adapter.handleRequestWithValidation(
        request,
        reply as unknown as Promise<unknown>,
      )
      this.send(response, endpoint, request, reply)
    } catch (thrown) {
      this.fail(errorOf(thrown), req, reply)
    } finally {
      requestRoom.free(taken)
    }
    if (this.isMeasured) this.stats.observe(startedAtMs, this.payloadBytes(req))
  }

  /**
   * The parsed body. A body with a plan is parsed only here, when the plan's feed has no value.
   *
   * @throws AdapterInputError when it did not come as JSON
   */
  private jsonOf(req: FastifyRequest): unknown {
    const { rawJson } = req
    requireJson(rawJson === undefined ? undefined : req.headers['content-type'])
    return req.plan === undefined || rawJson === undefined ? req.body : JSON.parse(rawJson)
  }

  private send(
    response: Readonly<AdapterResponse>,
    endpoint: AdapterEndpoint<EndpointGenerics>,
    request: AnyRequest,
    reply: FastifyReply,
  ): void {
    const answer = inForm(this.adapter.givesReasons ? told(response) : response, endpoint.formOf(request))
    const { statusCode, body } = rendered(answer)
    void reply.code(statusCode).header('content-type', JSON_TYPE).send(body)
    const { cacheKey, data, meta, transportName } = request.requestContext
    const isCacheHit = meta?.metrics?.cacheHit === true
    if (statusCode === 200) {
      const feed = endpoint.responseCache?.feed(transportName, data)
      // An author may have made another cache key; then there is no feed on which to count.
      if (feed?.key === cacheKey) return void (isCacheHit ? feed.hits++ : feed.misses++)
    }
    this.stats.count({ feedId: meta?.metrics?.feedId ?? 'N/A', isCacheHit, statusCode })
  }

  /** Answers what the server itself refuses before the route is called; mostly a bad body. */
  private refuse(error: Error, req: FastifyRequest, reply: FastifyReply): void {
    this.fail(error, req, reply)
    if (this.isMeasured) this.stats.observe(performance.now() - reply.elapsedTime)
  }

  private fail(thrown: Error, req: FastifyRequest, reply: FastifyReply): void {
    const error = withAnswerStatus(thrown)
    const { CORRELATION_ID_ENABLED } = this.adapter.settings
    logError(error, req, CORRELATION_ID_ENABLED ? correlationIdOf(req) : undefined, this.errorLines)
    sendError(error, reply, hintFor(this.adapter, error, req.body))
    if (hasLeft(req)) return
    const feedId = req.requestContext?.meta?.metrics?.feedId ?? 'N/A'
    this.stats.count({ feedId, error, isCacheHit: false, statusCode: reply.statusCode })
  }

  /**
   * Gives the author's code a store in which it, and what it logs, finds the request's id (contract 6.7). Where none of the author's code
   * runs there is no store, because it is expensive (see {@link BackgroundRunner}): our own log lines of requests get the id without one.
   */
  private correlated<R>(req: FastifyRequest, run: () => R): R {
    if (!this.isObserved || !this.adapter.settings.CORRELATION_ID_ENABLED) return run()
    return asyncLocalStorage.run(new OwnedStore(correlationIdOf(req), this.adapter.name), run)
  }
}
