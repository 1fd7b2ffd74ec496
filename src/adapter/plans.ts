import { LRUCache } from 'lru-cache'
import { type AnyAdapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type AnyRequest, type EndpointGenerics } from './params'
import { decisionKeyOf } from './decision-key'
import { RequestMark } from './request-mark'
import { type AnswerForm } from '../feeds/answer-form'
import { type Feed } from '../feeds/feed'
import { localLayerOf, type LocalCache, type LocalCacheEntry } from '../feeds/local-cache'
import { type AdapterResponse } from '../feeds/responses'
import {
  registersAsUsual,
  type SubscriptionTransport,
  wantingTransports,
} from '../transports/subscription-transport'
import { type Transport } from '../transports/transport'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { overflowing } from '../metrics/bounds'

const logger = makeLogger('RequestPlans')

const MAX_MEMO_BYTES = 32 * 1024 * 1024
const BYTES_PER_PLAN = 500
/** Longer bodies are prepared each time: they are rare, and would take much memory here. */
const MAX_KNOWN_BODY = 8_192
/** Some ask with the body's bytes, one character each. Only where all are ASCII are those the characters of its text. */
// eslint-disable-next-line no-control-regex -- the range is that of ASCII
const ASCII = /^[\x00-\x7f]*$/

type Wanting = SubscriptionTransport<EndpointGenerics>

const failed = (err: unknown, transport: object): void =>
  named(logger, transport).error({ err }, `Error registering request: ${String(err)}`)

/** The feed that a request asks for. It is decided once, and is valid until something on which the decision depends changes. */
export class Plan {
  /** The mark at the time of the decision. */
  private readonly mark: number

  constructor(
    readonly feed: Feed,
    private readonly cache: LocalCache<AdapterResponse>,
    /** The transports in which the feed is wanted, and by which params. */
    private readonly wanting: readonly Wanting[],
    private readonly params: AnyRequest['requestContext']['data'],
    private readonly decidedBy: RequestMark,
    /** How the answer is written; undefined for the usual way. */
    readonly form: AnswerForm | undefined,
  ) {
    this.mark = decidedBy.now()
  }

  /** The feed's live entry, if there is one. */
  read(): LocalCacheEntry<AdapterResponse> | undefined {
    return this.cache.read(this.feed.key, this.feed)
  }

  /** Keeps the feed wanted, without running the author's code. */
  want(): void {
    for (const transport of this.wanting) {
      const wanted = transport.want(this.params, this.feed.key)
      if (wanted !== undefined) wanted.catch((err: unknown) => failed(err, transport))
    }
  }

  isCurrent(): boolean {
    return !this.feed.isForgotten && this.decidedBy.now() === this.mark
  }
}

/**
 * Plans by what decides a request ({@link decisionKeyOf}), so that a body which asks for the same as one before is neither parsed nor
 * validated again. There is none for a request that the author's code may prepare differently next time, or may answer in another way than
 * from the cache. So it grows with the feeds that are asked for, and not with requests.
 */
export class PlanMemo {
  private readonly plans = new LRUCache<string, Plan>({
    maxSize: MAX_MEMO_BYTES,
    // The key, and its params in the plan.
    sizeCalculation: (_plan, key) => 2 * key.length + BYTES_PER_PLAN,
    dispose: overflowing('remembered_requests'),
  })

  private readonly wanting = new WeakMap<Transport<EndpointGenerics>, readonly Wanting[]>()
  private readonly marks = new Map<AdapterEndpoint<EndpointGenerics>, RequestMark>()

  constructor(private readonly adapter: AnyAdapter) {}

  /**
   * @param text - in which the body lies, from `bodyAt` to `bodyEnd`: what it says, or its bytes with one character each
   */
  get(text: string, bodyAt = 0, bodyEnd = text.length): Plan | undefined {
    if (this.plans.size === 0 || bodyEnd - bodyAt > MAX_KNOWN_BODY) return undefined
    const key = decisionKeyOf(text, bodyAt, bodyEnd)
    const plan = key === undefined ? undefined : this.plans.get(key)
    if (plan === undefined || plan.isCurrent()) return plan
    this.plans.delete(key!)
    return undefined
  }

  /** Makes a plan for a prepared request, if that is allowed. */
  learn(body: string, endpoint: AdapterEndpoint<EndpointGenerics>, req: AnyRequest): void {
    const { adapter } = this
    const { cacheKey, data, transportName } = req.requestContext
    const local = localLayerOf(adapter.cache)
    if (body.length > MAX_KNOWN_BODY || !endpoint.isPure || !adapter.servesVerbatim(endpoint)) return
    const key = decisionKeyOf(body)
    if (local === undefined || key === undefined || !ASCII.test(key)) return
    const transport = endpoint.transportRoutes.get(transportName)
    const feed = endpoint.responseCache?.feed(transportName, data)
    if (!registersAsUsual(transport) || feed?.key !== cacheKey) return
    const [wanting, mark] = [this.wantingOf(transport), this.markOf(endpoint)]
    this.plans.set(copyOf(key), new Plan(feed, local, wanting, data, mark, endpoint.formOf(req)))
  }

  /** The same list for all plans of a transport, so that it is in memory once. */
  private wantingOf(transport: Transport<EndpointGenerics>): readonly Wanting[] {
    const now = wantingTransports(transport)
    const known = this.wanting.get(transport)
    const isSame = known?.length === now.length && known.every((one, at) => one === now[at])
    if (known !== undefined && isSame) return known
    this.wanting.set(transport, now)
    return now
  }

  private markOf(endpoint: AdapterEndpoint<EndpointGenerics>): RequestMark {
    let mark = this.marks.get(endpoint)
    if (mark === undefined) this.marks.set(endpoint, (mark = new RequestMark(endpoint, this.adapter)))
    return mark
  }
}

/** A part of a text keeps all of it in memory. */
const copyOf = (ascii: string): string => Buffer.from(ascii, 'latin1').toString('latin1')
