import { Retry } from '../../connections/retry'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { shownUrl } from '../../connections/connection-stats'
import { type EndpointContext } from '../transport'
import { type Params } from './care/care'
import { AFTER_FAILED_SUCCESSOR } from './care/recycling'
import { Successor, type SuccessorHost } from './care/successor'
import { type WebsocketTransportGenerics } from './config'
import { type CredentialUse } from './credential-use'

const logger = makeLogger('WebSocketTransport')

/** What it needs from its transport. */
interface Parts<T extends WebsocketTransportGenerics> extends SuccessorHost<T> {
  /** The URL for a connection that is opened now. */
  urlFor: (context: EndpointContext<T>, feeds: Params<T>[]) => Promise<string> | string
  claimConnect: (url: string) => (() => void) | undefined
  credential: Pick<CredentialUse<T>, 'beside'> | undefined
  /** Told of a URL that could not be moved to. */
  onFailed: (url: string) => void
  wake: () => void
}

/** What a pass has found. */
interface Situation<T extends WebsocketTransportGenerics> {
  url: string
  /** What the main connection is to carry. */
  feeds: Params<T>[]
  /** Whether nothing can be expected of the main connection any more. */
  isLost: boolean
  /** Whether it was opened so lately that it is not replaced yet. */
  isYoung: boolean
  /** Why it is to be replaced; undefined where it is not. */
  why: string | undefined
}

/** A connection that is to take the place of the main one. */
interface Heir<T extends WebsocketTransportGenerics> {
  successor: Successor<T>
  context: EndpointContext<T>
  url: string
  isUp: boolean
}

/**
 * Planned replacements of the main connection, where the next one comes up before the old one is closed (CN-8): one at a time, with growing
 * pauses after those that did not come up.
 */
export class Succession<T extends WebsocketTransportGenerics> {
  private readonly retry = new Retry(AFTER_FAILED_SUCCESSOR)
  private heir: Heir<T> | undefined
  private readonly leaving = new Set<Promise<void>>()
  private isStopped = false

  constructor(private readonly of: Parts<T>) {}

  /**
   * Called in each pass.
   *
   * @returns the connection that is to take the place of the main one now
   */
  heirFor(context: EndpointContext<T>, now: Situation<T>): Successor<T> | undefined {
    const { heir } = this
    // There is nothing to lose between the two.
    if (now.feeds.length === 0) this.end()
    else if (now.isLost) return this.inherit()
    else if (heir?.isUp === true) return this.take()
    else if (heir !== undefined) this.follow(heir, now.feeds)
    else if (now.why !== undefined && !now.isYoung) this.begin(context, { ...now, why: now.why })
    return undefined
  }

  /** The one that is open already, where the main connection has ended. One that is not is given up, as there is an attempt to be made. */
  private inherit(): Successor<T> | undefined {
    if (this.heir?.successor.isSubscribed === true) return this.take()
    this.end()
    return undefined
  }

  /** Whether there is one that could take the place of the main connection. */
  get isReady(): boolean {
    return this.heir?.successor.isSubscribed === true
  }

  end(): void {
    const { heir } = this
    this.heir = undefined
    if (heir !== undefined) this.leave(heir.successor.lane.close())
  }

  async stop(): Promise<void> {
    this.isStopped = true
    this.retry.stop()
    this.end()
    await Promise.all(this.leaving)
  }

  private take(): Successor<T> | undefined {
    const { heir } = this
    if (heir?.successor.lane.isOpen === true) {
      this.heir = undefined
      this.retry.reset()
      return heir.successor
    }
    if (heir !== undefined) this.failed(heir, new Error('The provider closed the next connection'))
    return undefined
  }

  private begin(
    context: EndpointContext<T>,
    { url, why, feeds }: { url: string; why: string; feeds: Params<T>[] },
  ): void {
    if (this.retry.isWaiting || this.isStopped) return
    const release = this.of.claimConnect(url)
    if (release === undefined) return
    named(logger, context).info(
      { url: shownUrl(url) },
      `Opening the next connection beside the one in use: ${why}`,
    )
    const heir: Heir<T> = { successor: new Successor(this.of, context), context, url, isUp: false }
    this.heir = heir
    const risen = this.rise(context, heir, feeds, release).catch((error: unknown) => this.failed(heir, error))
    this.leave(risen.finally(release))
  }

  private async rise(
    context: EndpointContext<T>,
    heir: Heir<T>,
    feeds: Params<T>[],
    release: () => void,
  ): Promise<void> {
    const { credential, urlFor } = this.of
    const { successor } = heir
    const open = (): Promise<void> => successor.lane.open(heir.url, feeds, release)
    const openWithCredential = async (): Promise<void> => {
      heir.url = await urlFor(context, feeds)
      if (this.heir !== heir) throw new Error('It is not needed any more')
      await open()
    }
    await successor.rise(feeds, () =>
      credential === undefined ? open() : credential.beside(context, openWithCredential),
    )
    heir.isUp = true
    this.of.wake()
  }

  private follow({ successor }: Heir<T>, feeds: Params<T>[]): void {
    successor
      .follow(feeds)
      .catch((err: unknown) => logger.debug({ err }, 'The next connection could not be told what is wanted'))
  }

  private failed(heir: Heir<T>, error: unknown): void {
    // It was taken, or is not needed any more.
    if (this.heir !== heir) return
    this.heir = undefined
    this.leave(heir.successor.lane.close())
    const text = error instanceof Error ? error.message : String(error)
    named(logger, heir.context).warn({ url: shownUrl(heir.url) }, `The connection in use goes on: ${text}`)
    this.retry.again(undefined, () => this.of.wake())
    this.of.onFailed(heir.url)
  }

  private leave(going: Promise<void>): void {
    const gone = going.finally(() => this.leaving.delete(gone))
    this.leaving.add(gone)
  }
}
