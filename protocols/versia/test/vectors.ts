import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { read, root } from '../../../test/helpers/repository'
import { type VersiaVersion } from '../reasons'

const folder = 'protocols/versia/test/fixtures'

const consumed = new Set<string>()

/** A file of vectors, noted as used. */
const vectorFile = <T>(name: string): T => {
  consumed.add(name)
  return JSON.parse(read(`${folder}/${name}`)) as T
}

export const vectorFiles = (): string[] => readdirSync(join(root, folder)).sort()
export const consumedFiles = (): string[] => [...consumed].sort()

export interface Key {
  name: string
  seed_hex: string
  private_pkcs8_base64: string
  public_spki_base64: string
  public_raw_hex: string
}

export interface Message {
  name: string
  version: VersiaVersion
  key: string
  path: string
  now: number
  string_to_sign?: string
  entity_sha256_base64?: string
  message_text: string
  frame?: 'binary'
  crypto_valid?: boolean | null
  expect: { ok: boolean; reason?: string; stored?: boolean }
}

export interface Sequence {
  name: string
  version: VersiaVersion
  path: string
  steps: { connection?: number; now: number; message_text: string; expect: Message['expect'] }[]
}

export interface SignedHttp {
  name: string
  version: VersiaVersion
  key: string
  method: string
  path: string
  signed_path?: string
  query?: string
  signed_by: string
  body: string
  string_to_sign: string
  at?: number
  headers: Record<string, string>
}

export interface Discovery {
  name: string
  version: VersiaVersion
  signed_by: string
  fetches: {
    path: string
    content_type?: string
    body?: unknown
    status?: number
    location?: string
    see_http_vector?: string
  }[]
  expect: { ok: boolean; key?: string; reason?: string }
}

export const keyFile = vectorFile<{
  keys: Key[]
  signers: Record<string, Record<string, string>>
  trusted_signers: string[]
}>('keys.json')
export const validMessages = vectorFile<{ vectors: Message[] }>('valid.json').vectors
export const negativeMessages = vectorFile<{ vectors: Message[] }>('negative.json').vectors
export const sequences = vectorFile<{ vectors: Sequence[] }>('sequences.json').vectors
export const signedHttp = vectorFile<{ vectors: SignedHttp[] }>('http.json').vectors
export const discoveries = vectorFile<{ vectors: Discovery[] }>('discovery.json').vectors
export const badKeys = vectorFile<{
  small_order: { raw_hex: string; public_spki_base64: string; forged_signature_base64: string }[]
  malformed: { why: string; key: string }[]
}>('bad-keys.json')
export const jsonRules = vectorFile<{ vectors: { text: string; ok: boolean; note?: string }[] }>(
  'json-rules.json',
).vectors

export const key = (name: string): Key => {
  const found = keyFile.keys.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no key ${name}`)
  return found
}

/** The keys of the signers that the vectors trust, in one version's names. */
export const trustedKeys = (version: VersiaVersion): Record<string, string[]> => {
  const signers = keyFile.signers[version === '0.4' ? '0.5' : version] ?? {}
  return Object.fromEntries(
    Object.entries(signers)
      .filter(([signedBy]) => keyFile.trusted_signers.includes(signedBy))
      .map(([signedBy, name]) => [signedBy, [key(name).public_spki_base64]]),
  )
}

export const PRICE_TYPE = 'org.example:price_feeds/Price'
/** The time of the vectors, in Unix ms. */
export const NOW_MS = 1_795_324_800_000
