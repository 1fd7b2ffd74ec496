import { metrics } from '../../src/public/metrics'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { PeerTransport } from '../../src/transports/peer/peer-transport'
import { type Reason } from '../../src/transports/peer/terms'
import { type TransportDependencies, type TransportGenerics } from '../../src/public/transports'
import { type BelievedPrice, type WsRoomOptions, type WsRoomTransportConfig } from './config'
import { type PublishedPrice } from './price-broadcaster'
import { connectionStringOf } from './realm'
import { Room } from './room'

/**
 * Fills feeds from a Decentraland room (`ws-room`): a member with a key of its own that listens to what the others say, and believes
 * prices that listed accounts signed. Publishes values into the room as well, when {@link WsRoomTransport.publish} is called.
 *
 * Wire format, security and failures: protocols/ws-room/README.md.
 */
export class WsRoomTransport<T extends TransportGenerics> extends PeerTransport<T> {
  private room: Room | undefined
  private unpublish: (() => void)[] = []

  constructor(private readonly config: WsRoomTransportConfig<T>) {
    super()
  }

  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    name: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, name)
    const limits = {
      minMs: adapterSettings.STREAM_HANDLER_RETRY_MIN_MS,
      maxMs: adapterSettings.STREAM_HANDLER_RETRY_MAX_MS,
      factor: adapterSettings.STREAM_HANDLER_RETRY_EXP_FACTOR,
    }
    const ports = {
      app: this.app,
      connectionStringOf: (realm: string, tls: WsRoomOptions['tls']) =>
        connectionStringOf(dependencies.requester, realm, tls),
      isKnownFeed: (feed: string) => this.config.paramsOf(feed) !== undefined,
      onConnected: () => void (this.providerDataStreamEstablished = Date.now()),
      onPrice: (price: BelievedPrice, receivedAt: number) => this.receive(price, receivedAt),
      onFault: (reason: string, detail: () => unknown, error?: unknown) => this.fault(reason, detail, error),
    }
    this.renew = () => {
      const room = new Room(this.config.options(adapterSettings), limits, ports)
      this.room = room
      this.show(room, endpointName)
    }
    this.renew()
  }

  /**
   * Says a value in the room: signed, numbered, at once if we are in the room, and again from time to time while it is fresh. The room
   * does not send it back to us, so it fills no feed here.
   *
   * @throws Error for what receivers would refuse, and before the adapter has started
   */
  publish(price: PublishedPrice): void {
    if (this.room === undefined) throw new Error('The room is there once the adapter has started')
    this.room.publish(price)
  }

  protected renew = (): void => {}

  protected tend(): void {
    this.room?.tend()
  }

  protected async letGo(): Promise<void> {
    await this.room?.stop()
    for (const end of this.unpublish) end()
  }

  protected connections(): ConnectionStatus[] {
    return this.room === undefined ? [] : [this.room.status()]
  }

  protected outage(): Reason | undefined {
    return this.room?.outage()
  }

  private show(room: Room, endpointName: string): void {
    const labels = { ...this.app(), adapter_endpoint: endpointName, transport: this.name }
    this.unpublish = [
      metrics.publish('wsRoomUpdatesLost', (counter) => counter.inc(labels, room.lostUpdates)),
      metrics.publish('wsRoomKeyExpires', (gauge) => gauge.set(labels, room.keyExpiresAtUnixMs / 1_000)),
    ]
  }

  private receive(price: BelievedPrice, receivedAt: number): void {
    const params = this.config.paramsOf(price.feed)
    if (params === undefined) return
    this.deliver([{ params, response: this.config.response(price) }], receivedAt)
  }
}
