import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { countFields } from './field-count'
import { PacketSchema, type Scene } from './generated/room_bodies_pb'
import { type WsPacket, WsPacketSchema } from './generated/room_packets_pb'

/** One message of the room protocol; `case` is undefined for a frame that holds none that is known. */
export type RoomMessage = WsPacket['message']

/** No server takes more: at 16 385 bytes it cuts the connection. */
export const MAX_SENT_BYTES = 16_384

const READING = { readUnknownFields: false }

/** A welcome of as many peers as are listened to, each an entry with a number and an address. */
const MAX_PACKET_FIELDS = 40_000
/** What others send: whatever is not a Scene is not looked at. */
const MAX_BODY_FIELDS = 64

/** The fields that hold messages: all of a packet, the peers of a welcome, the Scene of a body. */
const KINDS = WsPacketSchema.fields.map(({ number }) => number)
const WELCOME = 1
const PEER_IDENTITIES = 2
const SCENE = 6

const isInPacket = (path: readonly number[]): boolean => {
  const [kind = 0, field] = path
  if (path.length === 1) return KINDS.includes(kind)
  return path.length === 2 && kind === WELCOME && field === PEER_IDENTITIES
}
const isInBody = ([kind, field]: readonly number[]): boolean => kind === SCENE && field === undefined

/**
 * @throws Error for bytes that are not one whole packet: truncated, left over, not UTF-8, or of another wire type; and for very many fields,
 *   before they are decoded
 */
export const decodePacket = (frame: Uint8Array): RoomMessage => {
  countFields(frame, MAX_PACKET_FIELDS, isInPacket)
  return fromBinary(WsPacketSchema, frame, READING).message
}

const encode = (message: Parameters<typeof create<typeof WsPacketSchema>>[1]): Buffer =>
  Buffer.from(toBinary(WsPacketSchema, create(WsPacketSchema, message)))

export const identification = (address: string): Buffer =>
  encode({ message: { case: 'peerIdentification', value: { address } } })

export const signedChallenge = (authChainJson: string): Buffer =>
  encode({ message: { case: 'signedChallengeForServer', value: { authChainJson } } })

/** An update to all others of the room. The sender's alias is left 0, which is not written: the server always fills it in. */
export const peerUpdate = (body: Uint8Array): Buffer =>
  encode({ message: { case: 'peerUpdateMessage', value: { body } } })

/** The Scene in a body; undefined for every other kind, and for bytes that are no Packet: a room carries everybody's traffic. */
export const sceneIn = (body: Uint8Array): Scene | undefined => {
  try {
    countFields(body, MAX_BODY_FIELDS, isInBody)
    const { message } = fromBinary(PacketSchema, body, READING)
    return message.case === 'scene' ? message.value : undefined
  } catch {
    return undefined
  }
}

export const sceneBody = (sceneId: string, data: Uint8Array): Uint8Array =>
  toBinary(PacketSchema, create(PacketSchema, { message: { case: 'scene', value: { sceneId, data } } }))
