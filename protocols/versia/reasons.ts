/** The versions of the signature rules that are known here. 0.4 has no time in its messages, and is used only where it is asked for. */
export const VERSIONS = ['0.6', '0.5', '0.4'] as const
export type VersiaVersion = (typeof VERSIONS)[number]

/** Why a message is not trusted, in the order of the checks (versia-websocket 7 and 8). Closed: it is a metric label. */
export type Distrust =
  | 'excessive'
  | 'malformed'
  | 'legacy_version'
  | 'unknown_signer'
  | 'stale'
  | 'bad_signature'
  | 'replay'
  | 'replay_memory_full'
  | 'malformed_entity'
  | 'wrong_author'

/** Why a trusted message brings nothing new. */
export type NoNews = 'duplicate_entity' | 'older_than_current' | 'ahead_of_clock'
