import { type AuthLink, checkChain, parseDelegation, writeDelegation } from './auth-chain'
import { addressOf, isPrivateKey, newPrivateKey, sign } from './ethereum'

/** Who we are in a room: an account, and a key that may speak for it until a certain time. */
export interface RoomIdentity {
  /** The account, in lower case. */
  readonly owner: string
  readonly expiresAtUnixMs: number
  /** The chain under a text: the delegation, and the text signed by the key. */
  readonly vouchFor: (text: string) => AuthLink[]
}

/** What {@link delegate} makes. `privateKey` is secret; `delegation` is shown to every server. */
export interface DelegatedKey {
  privateKey: string
  /** The links from the account to the key: base64url of JSON, one word, fit for an environment variable. */
  delegation: string
  /** The account, in lower case. */
  owner: string
  expiresAtUnixMs: number
}

/**
 * Makes an ephemeral key and signs its delegation with the account's key. Needs no network: do it where the account's key is safe, and
 * give the process only what comes out.
 *
 * @param of.accountPrivateKey - `0x` and 64 hex digits, of a throwaway account without funds
 * @param of.validForMs - for how long the key speaks for the account, from now
 * @throws Error when that is no private key, or the time is not positive
 */
export const delegate = (of: { accountPrivateKey: string; validForMs: number }): DelegatedKey => {
  const { accountPrivateKey, validForMs } = of
  if (!isPrivateKey(accountPrivateKey)) throw new Error('The account key is not 0x and 64 hex digits')
  if (!(validForMs > 0)) throw new Error('The time for which the key is valid must be positive')
  const privateKey = newPrivateKey()
  const owner = addressOf(accountPrivateKey)
  const expiresAtUnixMs = Date.now() + validForMs
  const payload = writeDelegation(addressOf(privateKey), expiresAtUnixMs)
  const links: AuthLink[] = [
    { type: 'SIGNER', payload: owner, signature: '' },
    { type: 'ECDSA_EPHEMERAL', payload, signature: sign(payload, accountPrivateKey) },
  ]
  const delegation = Buffer.from(JSON.stringify(links), 'utf8').toString('base64url')
  return { privateKey, delegation, owner, expiresAtUnixMs }
}

const linksOf = (delegation: string): AuthLink[] => {
  try {
    const links: unknown = JSON.parse(Buffer.from(delegation, 'base64url').toString('utf8'))
    if (Array.isArray(links)) return links as AuthLink[]
  } catch {
    // Said below, without quoting it.
  }
  throw new Error('The delegation is not base64url of a JSON array')
}

/**
 * Puts an identity together from the two halves that {@link delegate} made, and checks that they belong together. An expired one is
 * accepted: that it has expired is told where it matters.
 *
 * @throws Error that says what is wrong, without a word of the key
 */
export const roomIdentity = ({
  privateKey,
  delegation,
}: Pick<DelegatedKey, 'privateKey' | 'delegation'>): RoomIdentity => {
  if (!isPrivateKey(privateKey)) throw new Error('The private key is not 0x and 64 hex digits')
  const links = linksOf(delegation)
  const vouchFor = (text: string): AuthLink[] => [
    ...links,
    { type: 'ECDSA_SIGNED_ENTITY', payload: text, signature: sign(text, privateKey) },
  ]
  // The text is not a challenge and not a price, so that nobody can use the chain that is made here.
  const verdict = checkChain(vouchFor('trial'), 'trial', Number.NEGATIVE_INFINITY)
  if (!verdict.ok) throw new Error(`The delegation is not one for this private key (${verdict.problem})`)
  const ends = links.slice(1).map(({ payload }) => parseDelegation(payload)?.expiresAtUnixMs ?? Number.NaN)
  if (ends.length === 0)
    throw new Error('The private key must be delegated: an account must not log in with its own')
  return { owner: verdict.owner, expiresAtUnixMs: Math.min(...ends), vouchFor }
}
