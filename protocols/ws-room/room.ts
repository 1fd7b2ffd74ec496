import { pemText } from '../../src/config/pem'
import { LogLimiter } from '../../src/util/log-limiter'
import { makeLogger } from '../../src/util/logging'
import { safeUrl } from '../../src/util/redaction'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { type Reason } from '../../src/transports/peer/terms'
import { dial } from '../../src/connections/dial'
import { type KeeperOptions, LinkKeeper } from '../../src/connections/link-keeper'
import { Retry } from '../../src/connections/retry'
import { comingBack, type ComingBackLimits } from './coming-back'
import { type BelievedPrice, type WsRoomOptions } from './config'
import { roomNameOf } from './connection-string'
import { ADDRESS } from './ethereum'
import { type RoomIdentity, roomIdentity } from './identity'
import { sceneIn } from './packets'
import { parsePrice } from './price'
import { bare, PriceJudge, type Sender } from './price-judge'
import { type PublishedPrice, PriceBroadcaster } from './price-broadcaster'
import { RoomError } from './room-error'
import { RoomSession } from './room-session'
import { placeUrl, roomUrl } from './room-url'

const logger = makeLogger('WsRoom')

/** A welcome lists everybody who is in the room. */
const MAX_FRAME_BYTES = 1_048_576
/** Published values beyond this are dropped. They will be repeated anyway. */
const MAX_BUFFERED_BYTES = 262_144
const HOUR_MS = 3_600_000

export interface RoomPorts {
  /** Whose connections the metrics count them as. */
  app?: KeeperOptions<RoomSession>['app']
  /** Asks a realm for its connection string. */
  connectionStringOf: (realm: string, tls: WsRoomOptions['tls']) => Promise<string>
  isKnownFeed: (feed: string) => boolean
  /** A connection has been opened: what comes by it is of this stream. */
  onConnected: () => void
  onPrice: (price: BelievedPrice, receivedAt: number) => void
  /** `reason` is of a closed set. */
  onFault: (reason: string, detail: () => unknown, error?: unknown) => void
}

const DEFAULTS = {
  sceneId: 'urn:oracle:prices:v1',
  maxAgeMs: 60_000,
  trustServer: false,
  allowPlaintext: false,
  welcomeAtOnce: false,
  openTimeoutMs: 5_000,
  challengeTimeoutMs: 2_000,
  welcomeTimeoutMs: 2_000,
  pingEveryMs: 30_000,
  repeatEveryMs: 15_000,
  expiryWarningMs: 7 * 24 * HOUR_MS,
}

/** An option that is there but undefined is one that was not given. */
const withDefaults = (given: WsRoomOptions): WsRoomOptions & typeof DEFAULTS => {
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...DEFAULTS, ...(Object.fromEntries(present) as unknown as WsRoomOptions) }
}

const signersIn = (given: readonly string[]): ReadonlySet<string> => {
  const wrong = given.filter((signer) => !ADDRESS.test(signer))
  if (wrong.length > 0)
    throw new Error(`A signer is 0x and 40 hex digits; these are not: ${wrong.join(', ')}`)
  return new Set(given.map((signer) => signer.toLowerCase()))
}

const tlsOf = ({ tls }: WsRoomOptions): WsRoomOptions['tls'] =>
  typeof tls?.ca === 'string' ? { ...tls, ca: pemText(tls.ca) } : tls

/** One room, entered again after every loss: our identity in it, the signers that we believe, the prices that we send. Knows nothing of feeds and caches. */
export class Room {
  private readonly options: WsRoomOptions & typeof DEFAULTS
  private readonly identity: RoomIdentity
  private readonly judge: PriceJudge
  private readonly broadcaster: PriceBroadcaster
  private readonly keeper: LinkKeeper<RoomSession>
  private readonly expiryLog = new LogLimiter(HOUR_MS)
  /** How many messages were sent and never came, by their numbers. */
  lostUpdates = 0

  /** @throws Error when the identity, a signer or the connection string is not one */
  constructor(
    given: WsRoomOptions,
    limits: ComingBackLimits,
    private readonly ports: RoomPorts,
  ) {
    const options = (this.options = withDefaults(given))
    const { place, sceneId, repeatEveryMs, maxAgeMs, trustServer } = options
    const identity = (this.identity = roomIdentity(options))
    const { isKnownFeed, onFault } = ports
    this.judge = new PriceJudge({ signers: signersIn(options.signers), trustServer, maxAgeMs, isKnownFeed })
    this.broadcaster = new PriceBroadcaster({ identity, sceneId, repeatEveryMs, maxAgeMs, onFault })
    this.keeper = new LinkKeeper<RoomSession>({
      // What is wrong with a string of the settings is said at once.
      url: placeUrl(place, options.allowPlaintext),
      open: (signal) => this.enter(signal),
      retry: new Retry(comingBack(limits)),
      app: ports.app,
      onOpen: (session) => this.broadcaster.joined(session),
      onState: (state) => {
        if (state !== 'open') this.broadcaster.left()
      },
    })
  }

  /** To be called again and again: enters the room once, and watches the key. */
  tend(): void {
    // Not after it has given up: that ends with other settings only.
    if (this.keeper.state === 'idle') this.keeper.start()
    this.watchExpiry()
  }

  stop(): Promise<void> {
    return this.keeper.stop()
  }

  get keyExpiresAtUnixMs(): number {
    return this.identity.expiresAtUnixMs
  }

  /** @throws Error for what receivers would refuse */
  publish(price: PublishedPrice): void {
    this.broadcaster.publish(price)
  }

  status(): ConnectionStatus {
    const { session } = this.keeper
    const details = {
      account: this.identity.owner,
      keyExpires: new Date(this.keyExpiresAtUnixMs).toISOString(),
      lostUpdates: this.lostUpdates,
      ...(session === undefined
        ? {}
        : { room: session.room, alias: session.alias, peers: session.peers.size }),
    }
    return { ...this.keeper.status(), details }
  }

  outage(): Reason | undefined {
    return this.keeper.outage()
  }

  private async enter(signal: AbortSignal): Promise<RoomSession> {
    const { options, identity, ports } = this
    if (Date.now() >= identity.expiresAtUnixMs)
      throw new RoomError(
        'key-expired',
        'The ephemeral key of the room has expired; a new delegation is needed',
      )
    const url = await this.locate()
    const link = await dial(
      {
        url,
        protocols: ['rfc5'],
        acceptsNoProtocol: true,
        tls: tlsOf(options),
        maxPayloadBytes: MAX_FRAME_BYTES,
        maxBufferedBytes: MAX_BUFFERED_BYTES,
        openTimeoutMs: options.openTimeoutMs,
        pingEveryMs: options.pingEveryMs,
      },
      signal,
    )
    ports.onConnected()
    const room = roomNameOf(url)
    const onUpdate = (body: Uint8Array, sender: Sender) => {
      try {
        this.receive(body, sender, room)
      } catch (error) {
        ports.onFault('handler-failed', () => `an update of ${sender.address}`, error)
      }
    }
    const onConnectedElsewhere = () =>
      logger.warn(
        { url: safeUrl(url) },
        'Our address is connected there already; that connection will be put out',
      )
    const { onFault } = ports
    return RoomSession.enter(
      link,
      { ...options, identity, room, onUpdate, onFault, onConnectedElsewhere },
      signal,
    )
  }

  private async locate(): Promise<string> {
    const { place, allowPlaintext } = this.options
    const named =
      'realm' in place
        ? await this.ports.connectionStringOf(place.realm, tlsOf(this.options))
        : place.connectionString
    return roomUrl(named, allowPlaintext)
  }

  private receive(body: Uint8Array, sender: Sender, room: string): void {
    const receivedAt = Date.now()
    const scene = sceneIn(body)
    // A room carries everybody's traffic, and most of it is not for us.
    if (scene?.sceneId !== this.options.sceneId) return
    const { onFault, onPrice } = this.ports
    const price = parsePrice(scene.data)
    if (price === undefined)
      return onFault('price-malformed', () => `${scene.data.length} bytes of ${sender.address}`)
    const verdict = this.judge.judge(price, sender, room, receivedAt)
    if (!verdict.ok)
      return onFault(`price-${verdict.problem}`, () => ({ ...bare(price), sender: sender.address }))
    const { signer, lost } = verdict
    if (lost > 0) {
      this.lostUpdates += lost
      onFault('sequence-gap', () => ({ feed: price.feed, signer, lost }))
    }
    onPrice({ ...bare(price), signer }, receivedAt)
  }

  private watchExpiry(): void {
    const expiresAtUnixMs = this.keyExpiresAtUnixMs
    const leftMs = expiresAtUnixMs - Date.now()
    if (leftMs > this.options.expiryWarningMs) return
    const expires = new Date(expiresAtUnixMs).toISOString()
    this.expiryLog.run(leftMs > 0 ? 'soon' : 'expired', () => {
      if (leftMs > 0)
        logger.warn({ expires }, 'The ephemeral key of the room expires soon; make a new delegation')
      else logger.error({ expires }, 'The ephemeral key of the room has expired; make a new delegation')
    })
  }
}
