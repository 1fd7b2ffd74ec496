import { type KeyObject } from 'node:crypto'
import { isPlainObject } from './envelope'
import { verifyHttp } from './http-signature'
import { DiscoveryError, type DiscoveryFailure, type Fetched } from './https-get'
import { parseStrictJson } from './json-rules'
import { publicKeyFrom } from './keys'
import { type VersiaVersion } from './reasons'
import { instanceHost } from './signed-by'

/** One GET. @throws DiscoveryError */
export type Get = (url: string, accept: string) => Promise<Fetched>

const WELL_KNOWN = '/.well-known/versia'
const INSTANCE = '/.versia/v0.6/instance'

const fail = (reason: DiscoveryFailure, message: string): never => {
  throw new DiscoveryError(reason, message)
}

/**
 * Finds the key of a signer that is listed in the settings (versia-websocket 4.1). Never to be called with a name out of a message: the
 * sender chooses those.
 *
 * @param now - our clock, in Unix ms
 * @throws DiscoveryError
 */
export const discoverKey = async (
  signedBy: string,
  version: VersiaVersion,
  get: Get,
  now: number,
): Promise<KeyObject> => {
  if (version === '0.6') return ofDomain(signedBy, get)
  const host = instanceHost(signedBy)
  return host === undefined ? ofUser(signedBy, version, get, now) : ofInstance(host, get)
}

const ofDomain = async (domain: string, get: Get): Promise<KeyObject> => {
  const { body } = await get(`https://${domain}${WELL_KNOWN}`, 'application/json')
  const { versions } = objectIn(body)
  const isSpoken = Array.isArray(versions) && versions.some((one) => /^0\.6(?:\.|$)/.test(String(one)))
  if (!isSpoken) fail('no_common_version', 'The instance does not say that it speaks version 0.6')
  const instance = objectIn((await get(`https://${domain}${INSTANCE}`, 'application/vnd.versia+json')).body)
  if (instance['type'] !== 'InstanceMetadata') fail('malformed', 'Not the metadata of an instance')
  if (instance['domain'] !== domain) fail('domain_mismatch', 'The instance says that it has another domain')
  return keyIn(instance)
}

const ofInstance = async (host: string, get: Get): Promise<KeyObject> => {
  const instance = objectIn((await get(`https://${host}${WELL_KNOWN}`, 'application/json')).body)
  if (instance['type'] !== 'InstanceMetadata') fail('malformed', 'Not the metadata of an instance')
  if (instance['host'] !== host) fail('domain_mismatch', 'The instance says that it has another host')
  return keyIn(instance)
}

/** The entity is signed by the very key that it carries: what TLS says is all there is, but a mixed-up answer is noticed. */
const ofUser = async (uri: string, version: VersiaVersion, get: Get, now: number): Promise<KeyObject> => {
  const { body, headers } = await get(uri, 'application/json')
  const user = objectIn(body)
  if (user['type'] !== 'User' || user['uri'] !== uri)
    fail('domain_mismatch', 'Not the user that was asked for')
  const { public_key: publicKey } = user
  if (!isPlainObject(publicKey) || publicKey['actor'] !== uri)
    fail('actor_mismatch', 'The key belongs to another actor')
  const key = keyIn(user)
  const keysOf = (signedBy: string) => (signedBy === uri ? [key] : undefined)
  const request = { method: 'get', path: new URL(uri).pathname, body }
  const signer = verifyHttp(headers, request, { version, keysOf, now })
  if (typeof signer === 'string') fail('bad_signature', `The answer is not signed by that user (${signer})`)
  return key
}

const objectIn = (body: string): Record<string, unknown> => {
  let value: unknown
  try {
    value = parseStrictJson(body, 'duplicates')
  } catch (error) {
    throw new DiscoveryError('malformed', 'The answer is not JSON', error)
  }
  return isPlainObject(value) ? value : fail('malformed', 'The answer is not a JSON object')
}

const keyIn = ({ public_key: publicKey }: Record<string, unknown>): KeyObject => {
  const { algorithm, key } = isPlainObject(publicKey) ? publicKey : {}
  if (algorithm !== 'ed25519') fail('bad_key', 'The key is not one of ed25519')
  try {
    return publicKeyFrom(key as string)
  } catch (error) {
    throw new DiscoveryError('bad_key', `The key is ${(error as Error).message}`, error)
  }
}
