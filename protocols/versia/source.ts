import { LogLimiter } from '../../src/util/log-limiter'
import { makeLogger } from '../../src/util/logging'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { type Reason } from '../../src/transports/peer/terms'
import { type Address, type Link } from '../../src/connections/link'
import { type LinkKeeper } from '../../src/connections/link-keeper'
import { type Listener, type RefusedCaller } from '../../src/connections/listener'
import { isLoopback } from '../../src/connections/peer-tokens'
import { CommonTime } from '../../src/connections/reading-brake'
import { COMMON_BUSY_SHARE, LinkReader, type Outcome } from './link-reader'
import { keepDialling, type LinkOptions, listenerFor, LONGEST, type Redial, redial } from './links'
import { type VersiaOptions } from './options'
import { type VersiaSigner } from './signer'

const logger = makeLogger('Versia')

export interface SourceOptions {
  options: Pick<VersiaOptions, 'connect' | 'listen' | 'pingEveryMs'>
  /** Signs the upgrade requests. */
  signer: VersiaSigner | undefined
  /** Whose connections the metrics count them as. */
  app?: LinkOptions['app']
  /** Given every message of every connection. Never throws. */
  receive: (data: Buffer, isBinary: boolean, peer: string) => Outcome
  onOpen: () => void
  onRefused: (why: RefusedCaller) => void
  /** A connection has to wait until more is read from it. */
  onFlood: (detail: () => unknown) => void
}

/** The connections that messages come over: the one that we dial, and those of the peers that dial us. */
export class VersiaSource {
  private readonly keeper: LinkKeeper<Link> | undefined
  private readonly listener: Listener<string> | undefined
  private readonly redial = redial()
  private readonly limiter = new LogLimiter()
  private readonly common = new CommonTime(COMMON_BUSY_SHARE)
  private readonly quietSince = Date.now()
  private hasBegun = false
  private isStopped = false

  constructor(private readonly of: SourceOptions) {
    const { connect, listen, pingEveryMs } = of.options
    if (connect !== undefined)
      this.keeper = keepDialling(connect, of.signer, this.redial, {
        pingEveryMs,
        app: of.app,
        onLink: (link, peer) => this.readFrom(link, peer, this.redial),
      })
    if (listen !== undefined)
      this.listener = listenerFor(listen, {
        pingEveryMs,
        onRefused: of.onRefused,
        onLink: (link, peer) => this.readFrom(link, peer),
      })
  }

  /** Starts whatever is not started yet. @throws Error when the port cannot be listened on; it may be called again then */
  async start(): Promise<void> {
    if (this.isStopped) return
    this.keeper?.start()
    await this.listen()
  }

  /** Listens where it does not yet. @throws Error when the port cannot be listened on; it may be called again then */
  async listen(): Promise<void> {
    if (this.hasBegun || this.listener === undefined) return
    this.hasBegun = true
    try {
      this.sayOpen(await this.listener.listen())
    } catch (error) {
      this.hasBegun = false
      throw error
    }
    // It was stopped while the port was being bound. Nothing else would close the port.
    if (this.isStopped) return this.listener.close()
    this.warnOfPlainText()
  }

  async stop(): Promise<void> {
    this.isStopped = true
    await Promise.all([this.keeper?.stop(), this.listener?.close()])
  }

  status(): ConnectionStatus[] {
    const dialled = this.keeper === undefined ? [] : [this.keeper.status()]
    return [...dialled, ...(this.listener?.status((peer) => peer) ?? [])]
  }

  /** Why nothing can come; undefined while there is a connection. */
  outage(): Reason | undefined {
    if (this.keeper?.state === 'open' || (this.listener?.peers.size ?? 0) > 0) return undefined
    const message = 'No peer is connected'
    return this.keeper?.outage() ?? { code: 'NO_PEER', message, sinceUnixMs: this.quietSince }
  }

  private readFrom(link: Link, peer: string, redialled?: Redial): void {
    this.of.onOpen()
    const receive = (data: Buffer, isBinary: boolean): Outcome => {
      const outcome = this.of.receive(data, isBinary, peer)
      if (outcome !== 'good') return outcome
      redialled?.reset()
      this.listener?.vouchFor(link)
      return outcome
    }
    const enough = (why: string): void => {
      redialled?.reset(LONGEST)
      this.limiter.run(peer, (repeated) =>
        logger.warn({ peer, repeated }, `A connection was ended after ${why}`),
      )
    }
    const limited = (limit: string): void => this.of.onFlood(() => ({ peer, limit }))
    // Who was dialled was chosen, and is alone.
    const common = redialled === undefined ? this.common : undefined
    new LinkReader(link, receive, { enough, limited }, common).begin()
  }

  private sayOpen({ host, port }: Address): void {
    const { token, tls } = this.of.options.listen ?? {}
    const shown = [
      ...(token === undefined ? [] : ['a token']),
      ...(tls?.ca === undefined ? [] : ['a certificate']),
    ]
    const authentication = ['messages are signed', ...shown.map((what) => `peers show ${what}`)].join(', ')
    logger.info({ host, port, authentication }, 'Listening for peers')
  }

  private warnOfPlainText(): void {
    const { listen } = this.of.options
    if (listen === undefined || listen.tls !== undefined || isLoopback(listen.host)) return
    logger.warn(
      { host: listen.host },
      'Listening without TLS: whoever is on the way can read and repeat messages',
    )
  }
}
