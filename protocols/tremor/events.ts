import { type Value, type Writable } from './codecs/value'
import { type PeerAddress } from './routing'

export type ConnectorKind = 'ws_server' | 'ws_client'

/** Facts about an event, in addition to its value: `ws_server` or `ws_client` with `tls` and `peer`; `binary` only where it is true. */
export interface Metadata {
  binary?: true
  ws_server?: { tls: boolean; peer: PeerAddress }
  ws_client?: { tls: boolean; peer: PeerAddress }
}

/** The connection that an event came from: its number, and where it ends (tremor 7). */
export interface EventOrigin extends PeerAddress {
  scheme: 'tremor-ws-server' | 'tremor-ws-client'
  /** The port that is listened on, or that was connected from. */
  path: readonly [string]
  /** Never used twice while the connector exists. */
  stream: number
}

/** What a message, or a part of one, was decoded to. */
export interface ConnectorEvent {
  value: Value
  meta: Metadata
  /** Unix nanoseconds: when the message arrived, or what the message itself says by `ingest-ns`. */
  ingestNs: bigint
  /** When the message arrived, Unix ms. */
  receivedAt: number
  origin: EventOrigin
  /** Number of the message, or of the end of its stream, within the connector. */
  pullId: number
  /** Who pushed it: the name of the peer on a server, the address of the provider on a client. */
  peer: Peer
}

/** Who is at the other end. */
export interface Peer {
  name: string
  /** 1 goes before 2 where two push the same feed. */
  rank: number
}

/** Content that could not be decoded (tremor 8.1). The connection goes on. */
export interface ErrorEvent {
  value: { error: string; source: string; stream_id: number; pull_id: number }
  meta: Metadata & { error: string }
}

/** Something to be sent. */
export interface OutgoingEvent {
  value: Writable
  /** `binary: true` sends binary messages; `ws_server.peer` names the one connection of a server that it is for. Scripts' `$` is accepted. */
  meta?: Readonly<Record<string, unknown>>
  /** Numbers of the streams that contributed to it: a server sends it to all of them that are open, unless `meta` names one. */
  origins?: readonly number[]
  /** Unix nanoseconds, for formats that carry it. Default: now. */
  ingestNs?: bigint
}

/** Why an event was not sent. */
export type SendFailure =
  | 'not-connected'
  /** None of the connections that it is for is open. */
  | 'no-such-peer'
  /** The codec or a postprocessor cannot write it, or it is to be text and is not. */
  | 'not-encodable'
  /** The peer does not read; its connection was closed. */
  | 'slow-reader'

/** Failures of the connections that an event was for; none: it was handed to all of them. */
export type SendResult = readonly SendFailure[]
