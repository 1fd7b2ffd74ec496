import { type ProviderResult } from '../../src/public/util/types'
import { type TypeFromDefinition } from '../../src/public/validation/input-params'
import { type DialOptions } from '../../src/connections/dial'
import { type TransportGenerics } from '../../src/public/transports'
import { type RoomPrice } from './price'

/** A price that has been found good. */
export interface BelievedPrice extends RoomPrice {
  /** Account that answers for it, in lower case: the signer of its chain, or the sender whom a trusted server vouched for. */
  signer: string
}

/** Where the room is: named outright, or by a realm that is asked anew before each connection. */
export type RoomPlace =
  | {
      /** For example `ws-room:wss://comms.example.com/rooms/prices`. Other transports than `ws-room` are refused with a clear error. */
      connectionString: string
    }
  | {
      /** URL of a realm, whose `/about` document names the room as `comms.fixedAdapter`. */
      realm: string
    }

/** How a room is entered and whom to believe there. */
export interface WsRoomOptions {
  place: RoomPlace
  /** `0x` and 64 hex digits: the ephemeral key that `delegate` made. Secret. One for each process: a second login puts the first one out. */
  privateKey: string
  /** The other half of what `delegate` returned: the links from the account to the key, as base64url of JSON. */
  delegation: string
  /** Accounts whose prices count, `0x` and 40 hex digits in any case. Empty: none do, and the room is only published into. */
  signers: readonly string[]
  /** Scenes of other ids are not looked at. Default `urn:oracle:prices:v1`. */
  sceneId?: string
  /** Prices that were observed longer ago are refused, in ms; so are those more than 5 s ahead of our clock. Default 60 000. */
  maxAgeMs?: number
  /**
   * Take prices without a signature too, by the address that the server shows for the sender. Only for a server of one's own: any other
   * may show what it likes, and some admit anybody as anybody. Default false.
   */
  trustServer?: boolean
  /** Allow `ws:` without TLS, and a realm at `http:`, for loopback and tests. Default false. */
  allowPlaintext?: boolean
  /** Take a welcome that comes at once, without a challenge. Default false. */
  welcomeAtOnce?: boolean
  /** Where the certificates of the server, and of the realm that names it, are of a private authority: PEM texts; `ca` may be base64 of PEM. */
  tls?: DialOptions['tls']
  /** From dialling to an open WebSocket, in ms. Default 5 000. */
  openTimeoutMs?: number
  /** For the server's challenge, in ms. Default 2 000. */
  challengeTimeoutMs?: number
  /** For the welcome after the signed challenge, in ms. Default 2 000. */
  welcomeTimeoutMs?: number
  /** Our own pings, in ms; with two unanswered the connection is given up. Default 30 000. */
  pingEveryMs?: number
  /** Published values are sent again after so long, in ms, while they are no older than `maxAgeMs`. Default 15 000. */
  repeatEveryMs?: number
  /** From when on to warn that the key expires, in ms before. Default 7 days. */
  expiryWarningMs?: number
}

export interface WsRoomTransportConfig<T extends TransportGenerics> {
  /** Called once, before anything is connected. If it throws, or returns wrong options, the adapter does not start. */
  options: (settings: T['Settings']) => WsRoomOptions
  /**
   * Parameters of the feed with this name, or undefined for a name that is none. Called for every price, before its signature is checked:
   * it must be cheap.
   */
  paramsOf: (feed: string) => TypeFromDefinition<T['Parameters']> | undefined
  /**
   * What is served for a price that has been found good. Give the time of observation as `providerIndicatedTimeUnixMs`, so that a
   * repeated message makes no value younger. Not called for prices that are refused.
   */
  response: (price: BelievedPrice) => ProviderResult<T>['response']
}
