import { type Address } from './address'
import { type Fields, isRecord, type Problems } from './problems'

/** Paths of PEM files. */
export interface KeyPair {
  cert: string
  key: string
}

export interface ClientTls {
  /** Path of a PEM file whose first certificate is the one authority that is trusted. Undefined: those of the system. */
  caFile: string | undefined
  /** The name that the server's certificate must carry, and that is asked for (SNI). */
  domain: string
  keyPair: KeyPair | undefined
}

/** Whether and how a client uses TLS (tremor 4 and 6). */
export const parseClientTls = (
  given: unknown,
  address: Address | undefined,
  problems: Problems,
): ClientTls | undefined => {
  const { isSecure = false, host = '' } = address ?? {}
  const where = 'config.tls'
  if (given === false && isSecure) problems.add(where, 'is false, but the scheme of the address is wss')
  if (given === false || ((given === undefined || given === null) && !isSecure)) return undefined
  if (given !== undefined && given !== null && given !== true && !isRecord(given))
    problems.add(where, 'must be a record, a boolean or null')
  const fields = isRecord(given) ? given : {}
  problems.unknownKeys(where, fields, ['cafile', 'domain', 'cert', 'key'])
  const caFile = text(where, fields, 'cafile', problems)
  const domain = text(where, fields, 'domain', problems)
  const keyPair = parseKeyPair(where, fields, problems)
  return { caFile, domain: domain ?? host, keyPair }
}

/** The files of a server (tremor 3). Keys beside the two are ignored. */
export const parseServerTls = (given: unknown, problems: Problems): KeyPair | undefined => {
  const where = 'config.tls'
  if (given === undefined || given === null) return undefined
  if (!isRecord(given)) problems.add(where, 'must be a record or null')
  const pair = parseKeyPair(where, isRecord(given) ? given : {}, problems)
  if (pair === undefined) problems.add(where, '`cert` and `key` are needed')
  return pair
}

const parseKeyPair = (where: string, fields: Fields, problems: Problems): KeyPair | undefined => {
  const cert = text(where, fields, 'cert', problems)
  const key = text(where, fields, 'key', problems)
  if (cert !== undefined && key !== undefined) return { cert, key }
  if (cert !== undefined || key !== undefined) problems.add(where, '`cert` and `key` go together')
  return undefined
}

/** Null stands for none. */
const text = (where: string, fields: Fields, name: string, problems: Problems): string | undefined => {
  const value = fields[name] ?? undefined
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  problems.add(`${where}.${name}`, 'must be text')
  return undefined
}
