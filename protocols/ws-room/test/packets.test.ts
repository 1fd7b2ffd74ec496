import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf'
import { WsPacket } from '@dcl/protocol/out-js/decentraland/kernel/comms/rfc5/ws_comms.gen'
import { Packet } from '@dcl/protocol/out-js/decentraland/kernel/comms/rfc4/comms.gen'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { file_room_bodies } from '../generated/room_bodies_pb'
import { file_room_packets } from '../generated/room_packets_pb'
import {
  decodePacket,
  identification,
  peerUpdate,
  type RoomMessage,
  sceneBody,
  sceneIn,
  signedChallenge,
} from '../packets'
import { fixture } from './vectors'

interface Protobuf {
  frames: { name: string; hex: string; case: string; json: Record<string, Record<string, unknown>> }[]
  bodies: { name: string; hex: string; case: string; value: { sceneId?: string; data?: { $hex: string } } }[]
  edge: { name: string; hex: string; note: string; bufbuild_2: string | null }[]
}

type FieldRow = { number: number; name: string; type: string }
type Fields = FieldRow[] | { oneof: FieldRow[] }
interface Schema {
  ws: Record<string, Fields | string>
  body: Record<string, Fields | string>
}

const vectors = fixture<Protobuf>('protobuf.json')
const schema = fixture<Schema>('schema.json')
const bytes = (hex: string) => Buffer.from(hex, 'hex')

/** A message as the vectors write it: names with underscores, bytes in base64. */
const written = ({ value }: RoomMessage): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value ?? {})
      .filter(([name]) => !name.startsWith('$'))
      .map(([name, field]: [string, unknown]) => [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        field instanceof Uint8Array ? Buffer.from(field).toString('base64') : field,
      ]),
  )

const typeOf = (field: DescField): string => {
  if (field.fieldKind === 'map') return `map<uint32, string>`
  return field.fieldKind === 'message' ? field.message.name : ScalarType[field.scalar!].toLowerCase()
}

const rowsOf = ({ fields }: DescMessage): FieldRow[] =>
  fields.map((field) => ({ number: field.number, name: field.name, type: typeOf(field) }))

const listed = (fields: Fields | string | undefined): FieldRow[] => {
  if (fields === undefined || typeof fields === 'string') return []
  const rows = Array.isArray(fields) ? fields : fields.oneof
  return rows.map(({ number, name, type }) => ({ number, name, type }))
}

describe('the schema', () => {
  it.each(file_room_packets.messages.map((message) => [message.name, message] as const))(
    'of a packet has the fields that there are: %s',
    (name, message) => {
      expect(rowsOf(message)).toEqual(listed(schema.ws[name]))
    },
  )

  it('of packets leaves no message out', () => {
    const messages = Object.keys(schema.ws).filter((name) => name !== 'package')
    expect(file_room_packets.messages.map(({ name }) => name).sort()).toEqual(messages.sort())
    expect(file_room_packets.proto.package).toBe(schema.ws.package)
  })

  it('of bodies has nothing of its own', () => {
    expect(file_room_bodies.proto.package).toBe(schema.body.package)
    for (const message of file_room_bodies.messages)
      expect(listed(schema.body[message.name])).toEqual(expect.arrayContaining(rowsOf(message)))
  })
})

describe('a packet', () => {
  it.each(vectors.frames)('is read: $name', ({ hex, case: kind, json }) => {
    const message = decodePacket(bytes(hex))
    expect(message.case).toBe(kind)
    expect(written(message)).toEqual(Object.values(json)[0])
  })

  it('that we send is the bytes of other libraries', () => {
    const hexOf = (name: string) => vectors.frames.find((frame) => frame.name === name)?.hex
    const address = '0x0fbf0969432bDdBBfAb1d5D643fE0AAb0E35130D'
    expect(identification(address).toString('hex')).toBe(hexOf('identification'))
    const { json } = vectors.frames.find(({ name }) => name === 'signed-challenge')!
    const chain = json.signed_challenge_for_server!.auth_chain_json as string
    expect(signedChallenge(chain).toString('hex')).toBe(hexOf('signed-challenge'))
    expect(peerUpdate(bytes('010203')).toString('hex')).toBe(hexOf('update-sent'))
    expect(peerUpdate(bytes('')).toString('hex')).toBe('1a00')
  })

  it.each(vectors.edge)(
    'of odd bytes is read as the library does, or refused: $name',
    ({ hex, bufbuild_2: answer }) => {
      if (answer === 'error') return expect(() => decodePacket(bytes(hex))).toThrow()
      const message = decodePacket(bytes(hex))
      const [kind, , alias] = (answer ?? '').split(' ')
      expect(message.case).toBe(kind === '' ? undefined : kind)
      if (alias !== undefined) expect(message.value).toMatchObject({ fromAlias: Number(alias) })
    },
  )

  it('of a big alias keeps the low 32 bits, and a map entry without a key is key 0', () => {
    const hexOf = (name: string) => vectors.edge.find((each) => each.name === name)!.hex
    expect(decodePacket(bytes(hexOf('alias-over-32-bits'))).value).toMatchObject({ alias: 0xffffffff })
    expect(decodePacket(bytes(hexOf('map-entry-without-key'))).value).toMatchObject({
      peerIdentities: { 0: '' },
    })
  })

  it('says the same to the protocol’s own library', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
        const packet = WsPacket.decode(peerUpdate(body))
        expect(packet.message).toMatchObject({
          $case: 'peerUpdateMessage',
          peerUpdateMessage: { fromAlias: 0, unreliable: false },
        })
        const { peerUpdateMessage } = packet.message as { peerUpdateMessage: { body: Uint8Array } }
        expect(Buffer.from(peerUpdateMessage.body).equals(body)).toBe(true)
      }),
    )
  })
})

describe('a body', () => {
  it.each(vectors.bodies)('is a scene, or not for us: $name', ({ hex, case: kind, value }) => {
    const scene = sceneIn(bytes(hex))
    if (kind !== 'scene') return expect(scene).toBeUndefined()
    expect(scene?.sceneId).toBe(value.sceneId)
    expect(Buffer.from(scene!.data).toString('hex')).toBe(value.data?.$hex)
  })

  it.each(['ff', '3205', '320a0a02fffe'])('of bytes that are no packet is nothing: %s', (hex) => {
    expect(sceneIn(bytes(hex))).toBeUndefined()
  })

  it('that we make is a scene for everybody', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), (sceneId, data) => {
        const body = sceneBody(sceneId, data)
        const { message } = Packet.decode(body)
        expect(message).toMatchObject({ $case: 'scene', scene: { sceneId } })
        const scene = sceneIn(body)
        expect([scene?.sceneId, Buffer.from(scene!.data)]).toEqual([sceneId, Buffer.from(data)])
      }),
    )
  })
})

describe('very many fields', () => {
  const repeated = (hex: string, count: number) => bytes(hex.repeat(count))
  /** A field that holds bytes, whose length is written in full. */
  const field = (number: number, held: Buffer): Buffer => {
    const length = [0, 7, 14, 21].map((shift) => ((held.length >>> shift) & 0x7f) | (shift < 21 ? 0x80 : 0))
    return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), held])
  }

  it.each<[string, Buffer]>([
    ['in a packet', repeated('0a00', 500_000)],
    ['in a welcome', field(1, repeated('1200', 500_000))],
    ['in one entry of a welcome', field(1, field(2, repeated('0800', 500_000)))],
    ['in an update', field(3, repeated('0800', 500_000))],
    ['of no known number', repeated('7800', 500_000)],
  ])('%s are refused before they are decoded', (_where, frame) => {
    expect(() => decodePacket(frame)).toThrow('More than 40000 fields')
  })

  it('in the body of an update are no Scene', () => {
    const scene = (fields: number) => field(6, Buffer.concat([bytes('0a0161'), repeated('1200', fields)]))
    expect(sceneIn(scene(10))?.sceneId).toBe('a')
    expect(sceneIn(scene(1_000))).toBeUndefined()
  })

  it('are those of no welcome to a room of ten thousand', () => {
    const entries = Array.from({ length: 10_000 }, (_, alias) =>
      field(
        2,
        Buffer.concat([Buffer.from([8, (alias & 0x7f) | 0x80, alias >> 7]), field(2, Buffer.alloc(42, '0'))]),
      ),
    )
    const message = decodePacket(field(1, Buffer.concat(entries)))
    expect(message.case).toBe('welcomeMessage')
  })

  it('do not count where they are text: an unknown kind is a message of another time', () => {
    expect(decodePacket(field(12, Buffer.from('just text'))).case).toBeUndefined()
  })

  it('in groups inside each other are refused at the first', () => {
    expect(() => decodePacket(Buffer.alloc(1_000_000, 0x0b))).toThrow('A group')
  })
})
