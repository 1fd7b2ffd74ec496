import { ConfigError } from '../../src/config/config-error'
import { type Caller, isLoopback, peerByToken } from '../../src/connections/peer-tokens'
import { type Peer } from './events'

/** An account that may push. It is recognised by `token` or `certificateName`; at least one of them is given. */
export interface PeerAccount extends Peer {
  /** Shown in `Authorization: Bearer`. At least 16 characters. */
  token?: string
  /** Common name of the client certificate, on a listener that asks for one. */
  certificateName?: string
}

const MIN_TOKEN_CHARACTERS = 16

/** Whoever comes to a listener without accounts. */
export const ANYBODY: Peer = { name: 'anybody', rank: 1 }

/**
 * Says who may push. Without accounts that is anybody but a page in a browser: fine on an address that only this machine reaches, refused
 * on any other unless the operator has said so in so many words.
 *
 * @param of.host - what is listened on
 * @throws ConfigError with everything that is wrong
 */
export const admission = (of: {
  host: string
  accounts: readonly PeerAccount[]
  asksForCertificates: boolean
  mayAnybodyPush: boolean
}): ((caller: Caller) => Peer | undefined) => {
  const problems = problemsOf(of)
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `ws_server: ${problem}`))
  const { accounts, mayAnybodyPush } = of
  // Pages in this machine's browsers connect from this machine too, whoever wrote them. Their requests have an Origin header.
  if (accounts.length === 0)
    return ({ headers }) => (mayAnybodyPush || headers.origin === undefined ? ANYBODY : undefined)
  const byToken = peerByToken(
    accounts.flatMap(({ name, rank, token }) =>
      token === undefined ? [] : [{ token, peer: { name, rank } satisfies Peer }],
    ),
  )
  const byCertificate = new Map(
    accounts.flatMap(({ name, rank, certificateName }) =>
      certificateName === undefined ? [] : [[certificateName, { name, rank } satisfies Peer] as const],
    ),
  )
  return (caller) => {
    const { certificateName } = caller
    return byToken(caller) ?? (certificateName === undefined ? undefined : byCertificate.get(certificateName))
  }
}

const problemsOf = ({
  host,
  accounts,
  asksForCertificates,
  mayAnybodyPush,
}: Parameters<typeof admission>[0]): string[] => {
  const problems: string[] = []
  if (accounts.length === 0 && !isLoopback(host) && !mayAnybodyPush)
    problems.push(`anybody who reaches ${host} could push prices: give peers tokens or certificates`)
  if (accounts.length > 0 && mayAnybodyPush)
    problems.push('there are peers, and yet anybody may push: choose one')
  for (const [at, { name, rank, token, certificateName }] of accounts.entries()) {
    const who = `peer ${at} (${name})`
    if (!/^[\w.-]{1,64}$/.test(name)) problems.push(`peer ${at}: a name has 1 to 64 letters, digits, . _ -`)
    if (!Number.isSafeInteger(rank) || rank < 1)
      problems.push(`${who}: a rank is a whole number of at least 1`)
    if (token === undefined && certificateName === undefined)
      problems.push(`${who}: needs a token or a certificate`)
    if (token !== undefined && token.length < MIN_TOKEN_CHARACTERS)
      problems.push(`${who}: a token has at least ${MIN_TOKEN_CHARACTERS} characters`)
    if (certificateName !== undefined && !asksForCertificates)
      problems.push(`${who}: is told by a certificate, which the listener does not ask for`)
  }
  for (const key of ['name', 'token', 'certificateName'] as const) {
    const given = accounts.flatMap((account) => account[key] ?? [])
    if (new Set(given).size < given.length) problems.push(`two peers have the same ${key}`)
  }
  return problems
}
