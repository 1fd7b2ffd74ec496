import { type KeyObject } from 'node:crypto'
import { publicKeyFrom } from './keys'
import { type VersiaVersion } from './reasons'
import { isSignedBy } from './signed-by'

/**
 * Who is trusted: the name of each signer with its keys, as base64 of SPKI. Two keys while a signer changes from one to the other; none
 * where discovery is to find it.
 */
export type Signers = Readonly<Record<string, readonly string[]>>

const MAX_KEYS = 2
const MAX_SIGNERS = 1_000

/**
 * Reads signers out of a setting: JSON of `{"name": "key"}` or `{"name": ["key", "next key"]}`, or a list of `name=key` with commas or
 * line ends between them, where a name may come twice. `name` or `name=` alone lists a signer whose key is to be discovered.
 *
 * @throws Error that says what is wrong
 */
export const parseSigners = (text: string): Signers => {
  const trimmed = text.trim()
  return trimmed.startsWith('{') ? fromJson(trimmed) : fromList(trimmed)
}

const fromJson = (text: string): Signers => {
  const signers: Record<string, readonly string[]> = {}
  for (const [signedBy, keys] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
    const list: unknown[] = Array.isArray(keys) ? keys : [keys]
    if (!list.every((key) => typeof key === 'string'))
      throw new Error(`The keys of ${signedBy} are to be a text or a list of texts`)
    signers[signedBy] = list.filter((key) => key !== '')
  }
  return signers
}

const fromList = (text: string): Signers => {
  const signers = new Map<string, string[]>()
  for (const item of text.split(/[,\n]/)) {
    const [, signedBy = '', key = ''] = /^\s*([^=]*?)\s*(?:=\s*(.*?))?\s*$/.exec(item) ?? []
    if (signedBy === '' && key === '') continue
    const keys = signers.get(signedBy) ?? []
    signers.set(signedBy, key === '' ? keys : [...keys, key])
  }
  return Object.fromEntries(signers)
}

/**
 * The key objects of all signers, made once.
 *
 * @param mayDiscover - whether a signer may be listed without a key
 * @param problems - gets everything that is wrong with them; keys are not secret, yet none is shown
 */
export const pinnedKeys = (
  signers: Signers,
  version: VersiaVersion,
  mayDiscover: boolean,
  problems: string[],
): Map<string, readonly KeyObject[]> => {
  const rings = new Map<string, readonly KeyObject[]>()
  const ownerOf = new Map<string, string>()
  const names = Object.keys(signers)
  if (names.length === 0) problems.push('no signer is listed: nobody could send anything')
  if (names.length > MAX_SIGNERS) problems.push(`more than ${MAX_SIGNERS} signers`)
  for (const [signedBy, texts] of Object.entries(signers)) {
    if (!isSignedBy(signedBy, version))
      problems.push(`"${signedBy}" is not the name of a signer in version ${version}`)
    if (texts.length > MAX_KEYS) problems.push(`${signedBy} has more than ${MAX_KEYS} keys`)
    if (texts.length === 0 && !mayDiscover)
      problems.push(`${signedBy} has no key, and keys are not to be discovered`)
    rings.set(signedBy, keysOf(signedBy, texts, ownerOf, problems))
  }
  return rings
}

const keysOf = (
  signedBy: string,
  texts: readonly string[],
  ownerOf: Map<string, string>,
  problems: string[],
): KeyObject[] => {
  const keys: KeyObject[] = []
  for (const text of texts) {
    try {
      const key = publicKeyFrom(text)
      const { x = '' } = key.export({ format: 'jwk' })
      const owner = ownerOf.get(x)
      // The name of the signer is not signed: with one key under two names a sender could be either.
      if (owner !== undefined) problems.push(`a key of ${signedBy} is listed under ${owner} already`)
      ownerOf.set(x, signedBy)
      keys.push(key)
    } catch (error) {
      problems.push(`a key of ${signedBy} is ${(error as Error).message}`)
    }
  }
  return keys
}
