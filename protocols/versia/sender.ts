import { type KeyObject } from 'node:crypto'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { type Address, type Link } from '../../src/connections/link'
import { type LinkKeeper } from '../../src/connections/link-keeper'
import { type Listener } from '../../src/connections/listener'
import { type Caller } from '../../src/connections/peer-tokens'
import { keepDialling, listenerFor, redial } from './links'
import { verifyHttp } from './http-signature'
import { checkEnds, type VersiaConnect, type VersiaListen } from './options'
import { type VersiaSigner } from './signer'
import { type Signers } from './signers'

export interface VersiaSenderOptions {
  /** Signs every message, and the upgrade request where we dial. */
  signer: VersiaSigner
  /** A receiver that we dial. */
  connect?: Omit<VersiaConnect, 'instance'>
  /** Where receivers connect to us. */
  listen?: VersiaListen & {
    /** Only receivers that sign their upgrade request with one of these keys. Default: anybody, with the token if there is one. */
    receivers?: Signers
  }
  /** Lets `connect.url` be a `ws:` one of this machine. Default false. */
  allowLoopback?: boolean
  /** Ping after each such interval, in ms; two unanswered end the connection. Default 30 000. */
  pingEveryMs?: number
}

/** What became of a message: on how many connections it went out, and on how many not, because their peers do not read. */
export interface Sent {
  sent: number
  dropped: number
}

/**
 * Sends signed entities to all receivers that are connected. Nothing is kept for later ones: a price that is a minute old is of no use.
 *
 * @example
 * const signer = new VersiaSigner({ signedBy: 'feeds.example', privateKey })
 * const sender = new VersiaSender({ signer, connect: { url: 'wss://oracle.example/versia' } })
 * await sender.start()
 * sender.send(priceEntity({ feed: 'ETH/USD', base: 'ETH', quote: 'USD', value: '3150.25', observedAtUnixMs: Date.now(), author: 'feed' }, form))
 */
export class VersiaSender {
  private readonly links = new Set<Link>()
  private readonly keeper: LinkKeeper<Link> | undefined
  private readonly listener: Listener<string> | undefined
  private readonly redial = redial()

  /** @throws ConfigError with everything that is wrong with the options */
  constructor(private readonly of: VersiaSenderOptions) {
    const { connect, listen, signer, pingEveryMs } = of
    const receivers = checkEnds(of, signer.version)
    const onLink = (link: Link) => this.serve(link)
    if (connect !== undefined)
      this.keeper = keepDialling(connect, signer, this.redial, { pingEveryMs, onLink })
    if (listen !== undefined)
      this.listener = listenerFor(listen, {
        pingEveryMs,
        onLink,
        isWelcome: (caller) => receivers === undefined || this.hasSigned(caller, receivers),
      })
  }

  /** @returns where it listens, if it does. @throws Error when the port cannot be listened on */
  async start(): Promise<Address | undefined> {
    this.keeper?.start()
    return this.listener?.listen()
  }

  /** Signs an entity, and hands it to every connection. @throws Error for an entity that a receiver would refuse */
  send(entity: string | object): Sent {
    const message = this.of.signer.signMessage(entity)
    const outcomes = [...this.links].map((link) => link.send(message))
    return {
      sent: outcomes.filter((outcome) => outcome === 'sent').length,
      dropped: outcomes.filter((outcome) => outcome === 'full').length,
    }
  }

  /** How many connections are open. */
  get openCount(): number {
    return this.links.size
  }

  status(): ConnectionStatus[] {
    const dialled = this.keeper === undefined ? [] : [this.keeper.status()]
    return [...dialled, ...(this.listener?.status((peer) => peer) ?? [])]
  }

  async stop(): Promise<void> {
    await Promise.all([this.keeper?.stop(), this.listener?.close()])
  }

  private serve(link: Link): void {
    this.links.add(link)
    // Receivers do not answer. What they send all the same is read, so that their close is seen, and dropped.
    link.listen({ message: () => {}, close: () => this.links.delete(link) })
    this.redial.reset()
  }

  private hasSigned({ headers, url }: Caller, receivers: ReadonlyMap<string, readonly KeyObject[]>): boolean {
    const { version } = this.of.signer
    const path = url.split('?')[0] ?? ''
    const keysOf = (signedBy: string) => receivers.get(signedBy)
    return (
      typeof verifyHttp(headers, { method: 'get', path }, { version, keysOf, now: Date.now() }) === 'object'
    )
  }
}
