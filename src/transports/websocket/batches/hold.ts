import { type ResponseCache } from '../../../feeds/response-cache'
import { type ProviderResult } from '../../../feeds/responses'
import { named } from '../../../util/line-owner'
import { makeLogger } from '../../../util/logging'
import { type StreamIntake } from '../../stream-intake'
import { type WebsocketTransportGenerics } from '../config'
import { type Ledger } from './ledger'

const logger = makeLogger('WebSocketTransport')

/** Errors expire as values do, so they are written again this often. */
const SAY_EVERY_MS = 10_000

/** Why nothing is served meanwhile. */
export const CLOSED = { code: 'PROVIDER_ERROR', class: 'market-closed' } as const

type Params<T extends WebsocketTransportGenerics> = ProviderResult<T>['params']

interface Host<T extends WebsocketTransportGenerics> {
  readonly name: string
  readonly responseCache: ResponseCache<T>
}

/** While a provider says that its prices stand still, none of them is served, and clients are told why (FR-1). */
export class Hold<T extends WebsocketTransportGenerics> {
  /** The provider's words; undefined while prices move. */
  why: string | undefined
  private saidMs = -Infinity

  constructor(
    private readonly host: Host<T>,
    private readonly intake: StreamIntake<T>,
  ) {}

  begin(why: string): void {
    if (this.why === why) return
    named(logger, this.host).warn({ why }, 'The prices of the provider stand still, and are not served')
    this.why = why
    this.saidMs = -Infinity
  }

  end(): void {
    this.why = undefined
  }

  /** @param fresh - feeds that became wanted, whose clients have not been told yet */
  look(ledger: Ledger<Params<T>>, fresh: readonly Params<T>[], now: number): void {
    const { why } = this
    if (why === undefined) return
    const isDue = now - this.saidMs >= SAY_EVERY_MS
    if (isDue) this.saidMs = now
    const feeds = isDue ? ledger.wanted().flatMap(({ feeds: of }) => of) : fresh
    if (feeds.length > 0) void this.say([...feeds], why)
  }

  private async say(feeds: Params<T>[], why: string): Promise<void> {
    const { name, responseCache } = this.host
    try {
      // An error does not replace a live value: that has to end first.
      await responseCache.writeTTL(name, feeds, 0)
      for (const params of feeds) this.intake.writeError(params, 502, why, CLOSED)
    } catch (err) {
      named(logger, this.host).warn({ err, transport: name }, 'It could not be noted that prices stand still')
    }
  }
}
