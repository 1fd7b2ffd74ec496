/** Why a connection string is not one to connect to. */
export type ConnectionStringProblem =
  | 'empty'
  | 'no-colon'
  | 'unknown-transport'
  | 'unsupported-transport'
  | 'empty-url'
  | 'bad-scheme'
  | 'bad-url'
  | 'credentials-in-url'
  | 'fragment-in-url'

export type ParsedConnectionString =
  | { ok: true; url: string; isPlaintext: boolean }
  | { ok: false; problem: ConnectionStringProblem; transport?: string }

/** Transports of the protocol family that this one is not. */
const OTHER_TRANSPORTS = new Set(['offline', 'simulator', 'livekit', 'signed-login'])

const MAX_CHARACTERS = 2_048

const refuse = (problem: ConnectionStringProblem, transport?: string): ParsedConnectionString => ({
  ok: false,
  problem,
  ...(transport === undefined ? {} : { transport }),
})

/**
 * Reads `<transport>:<parameters>`, split at the first colon. Names are compared as they stand. The parameters of `ws-room` are a
 * WebSocket URL; without a scheme it is `wss://`.
 */
export const parseConnectionString = (text: string): ParsedConnectionString => {
  if (text === '') return refuse('empty')
  const colon = text.indexOf(':')
  if (colon === -1) return refuse('no-colon')
  const transport = text.slice(0, colon)
  if (OTHER_TRANSPORTS.has(transport)) return refuse('unsupported-transport', transport)
  if (transport !== 'ws-room') return refuse('unknown-transport')
  return parseUrl(text.slice(colon + 1))
}

const parseUrl = (given: string): ParsedConnectionString => {
  if (given === '') return refuse('empty-url')
  // Only these two prefixes are looked for: a URL parser takes `localhost:5003` for a scheme.
  const hasScheme = /^wss?:\/\//i.test(given)
  if (!hasScheme && /^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return refuse('bad-scheme')
  const text = hasScheme ? given : `wss://${given}`
  if (text.length > MAX_CHARACTERS || !URL.canParse(text)) return refuse('bad-url')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return refuse('credentials-in-url')
  if (text.includes('#')) return refuse('fragment-in-url')
  return { ok: true, url: url.href, isPlaintext: url.protocol === 'ws:' }
}

/** What a signed price names as its room: host (with a port that is not the scheme's own) and path, without scheme and query. */
export const roomNameOf = (url: string): string => {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}
