import { timeReader } from '../../src/util/rfc3339'
import { ADDRESS, isSignature, signerOf } from './ethereum'

/** One link of an authentication chain, as it is written in JSON. */
export interface AuthLink {
  type: string
  payload: string
  /** Empty on the first link. */
  signature: string
}

export type ChainProblem = 'malformed' | 'unsupported' | 'expired' | 'wrong-payload' | 'bad-signature'

export type ChainVerdict = { ok: true; owner: string } | { ok: false; problem: ChainProblem }

/** First line of a delegation. A key that was delegated for another purpose is not accepted here. */
export const PURPOSE = 'Decentraland Login'

const MAX_LINKS = 4
/** As the reference library reads it, which is by `Date.parse`; but never without a zone. */
const readTime = timeReader({ optionalSeconds: true, carriesDays: true })

interface Delegation {
  /** The payload as it was signed, without CR. */
  text: string
  /** In lower case. */
  address: string
  /** Not a number when it is no time. */
  expiresAtUnixMs: number
}

/** Reads the three lines of an ephemeral link; undefined when they are not that. */
export const parseDelegation = (payload: string): Delegation | undefined => {
  const text = payload.replaceAll('\r', '')
  const lines = text.split('\n')
  if (lines.length !== 3 || lines[0] !== PURPOSE) return undefined
  const [, address] = /^Ephemeral address: (0x[0-9a-fA-F]{40})$/.exec(lines[1] ?? '') ?? []
  const [, expiration] = /^Expiration: (.+)$/.exec(lines[2] ?? '') ?? []
  if (address === undefined || expiration === undefined) return undefined
  const expiresAtUnixMs = readTime(expiration) ?? Number.NaN
  return { text, address: address.toLowerCase(), expiresAtUnixMs }
}

export const writeDelegation = (address: string, expiresAtUnixMs: number): string =>
  `${PURPOSE}\nEphemeral address: ${address}\nExpiration: ${new Date(expiresAtUnixMs).toISOString()}`

/** Delegations whose signature was good, so that a sender's every price costs one signature check instead of two. */
export class KnownDelegations {
  private readonly known = new Set<string>()

  constructor(private readonly limit = 1_000) {}

  check(authority: string, text: string, signature: string): boolean {
    const key = `${authority}\n${text}\n${signature}`
    if (this.known.has(key)) return true
    if (signerOf(text, signature) !== authority) return false
    if (this.known.size >= this.limit) this.known.clear()
    this.known.add(key)
    return true
  }
}

const no = (problem: ChainProblem): ChainVerdict => ({ ok: false, problem })

const isLink = (link: unknown): link is AuthLink => {
  const { type, payload } = (link ?? {}) as Partial<AuthLink>
  return typeof type === 'string' && typeof payload === 'string'
}

const kindOf = (at: number, count: number): string =>
  at === 0 ? 'SIGNER' : at === count - 1 ? 'ECDSA_SIGNED_ENTITY' : 'ECDSA_EPHEMERAL'

const shapeProblem = (chain: unknown): ChainProblem | undefined => {
  if (!Array.isArray(chain) || chain.length < 2 || chain.length > MAX_LINKS) return 'malformed'
  if (!chain.every(isLink)) return 'malformed'
  // Signatures of contract wallets: only an Ethereum node can check them.
  if (chain.some(({ type }) => type.startsWith('ECDSA_EIP_1654_'))) return 'unsupported'
  const isRight = chain.every(({ type, payload, signature }, at) => {
    if (type !== kindOf(at, chain.length)) return false
    return at === 0 ? ADDRESS.test(payload) && (signature ?? '') === '' : isSignature(signature)
  })
  return isRight ? undefined : 'malformed'
}

/** The account that a chain claims to belong to, in lower case. Nothing is verified here. Undefined when the chain has another form. */
export const claimedOwner = (chain: unknown): string | undefined => {
  const first: unknown = Array.isArray(chain) ? chain[0] : undefined
  return isLink(first) && ADDRESS.test(first.payload) ? first.payload.toLowerCase() : undefined
}

/**
 * Verifies a chain: the account, delegations to keys that have not expired, and at the end exactly the expected text. Stricter than the
 * reference library, which accepts a chain without a signature at its end. The cheap checks are done first.
 *
 * @param now - a delegation that ends at this very ms has expired
 */
export const checkChain = (
  chain: unknown,
  expected: string,
  now: number,
  known = new KnownDelegations(),
): ChainVerdict => {
  const problem = shapeProblem(chain)
  if (problem !== undefined) return no(problem)
  const links = chain as AuthLink[]
  const delegations = links.slice(1, -1).map(({ payload, signature }) => ({
    delegation: parseDelegation(payload),
    signature,
  }))
  if (delegations.some(({ delegation }) => delegation === undefined)) return no('malformed')
  if (delegations.some(({ delegation }) => !(delegation!.expiresAtUnixMs > now))) return no('expired')
  const last = links.at(-1)!
  if (last.payload !== expected) return no('wrong-payload')
  const owner = links[0]!.payload.toLowerCase()
  let authority = owner
  for (const { delegation, signature } of delegations) {
    if (!known.check(authority, delegation!.text, signature)) return no('bad-signature')
    authority = delegation!.address
  }
  return signerOf(last.payload, last.signature) === authority ? { ok: true, owner } : no('bad-signature')
}
