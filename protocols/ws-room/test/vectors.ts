import { type AuthLink } from '../auth-chain'
import { delegate, roomIdentity, type RoomIdentity } from '../identity'
import { filesBelow, read } from '../../../test/helpers/repository'

const FOLDER = 'protocols/ws-room/test/fixtures'
const DAY_MS = 24 * 3_600_000

/** What a vector file holds, by its name. */
export const fixture = <T>(name: string): T => JSON.parse(read(`${FOLDER}/${name}`)) as T

/** Paths below the folder of vectors. */
export const fixtureFiles = (): string[] =>
  filesBelow(FOLDER, /\.(nd)?json$/).map((path) => path.slice(FOLDER.length + 1))

/** Problems are written with underscores in the vectors, as labels are not. */
export const problemIn = ({ reason }: { reason?: string }): string | undefined => reason?.replaceAll('_', '-')

export interface Key {
  name: string
  private_key: string
  address_checksum: string
  address_lower: string
}

const keys = fixture<{ keys: Key[] }>('keys.json').keys

export const key = (name: string): Key => {
  const found = keys.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no key ${name}`)
  return found
}

/** A fresh ephemeral key of one of the throwaway accounts. */
export const keyOf = (name: string, validForMs = 30 * DAY_MS) =>
  delegate({ accountPrivateKey: key(name).private_key, validForMs })

export const identityOf = (name: string, validForMs?: number): RoomIdentity =>
  roomIdentity(keyOf(name, validForMs))

export interface ChainVector {
  name: string
  challenge: string
  now_ms: number
  chain: AuthLink[]
  expect: { ok: boolean; owner?: string; reason?: string; strict_may_refuse?: boolean }
  dcl_crypto_3_6_0: { ok: boolean }
  differs_from_reference?: boolean
}

/** One event of a recorded conversation with a server. */
export interface TraceEvent {
  conn?: string
  event: string
  dir?: 'c2s' | 's2c'
  opcode?: 'binary' | 'text'
  len?: number
  hex?: string
  hex_head?: string
  hex_omitted_bytes?: number
  status?: number
  code?: number
  headers?: Record<string, string>
  decoded?: { case: string | null; value?: Record<string, unknown>; undecodable?: string }
}

/** The recorded conversations, by file name. The first line of each is its description. */
export const traces = (): { file: string; events: TraceEvent[] }[] =>
  fixtureFiles()
    .filter((file) => file.endsWith('.ndjson'))
    .map((file) => {
      const [, ...lines] = read(`${FOLDER}/${file}`).trim().split('\n')
      return { file, events: lines.map((line) => JSON.parse(line) as TraceEvent) }
    })

/** The payload of a recorded frame. What was left out of a large one is filled with the byte before it. */
export const bytesOf = ({ hex, hex_head: head = '', hex_omitted_bytes: omitted = 0 }: TraceEvent): Buffer => {
  if (hex !== undefined) return Buffer.from(hex, 'hex')
  const start = Buffer.from(head, 'hex')
  return Buffer.concat([start, Buffer.alloc(omitted, start.at(-1))])
}
