import { type VersiaVersion } from './reasons'

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const MAX_DOMAIN = 253
const MAX_URI = 2_048
const INSTANCE = 'instance '

/** Lower case, punycode, no port, no dot at the end. */
export const isDomain = (text: string): boolean => text.length <= MAX_DOMAIN && DOMAIN.test(text)

const isHost = (text: string): boolean => {
  const [domain = '', port, ...rest] = text.split(':')
  return isDomain(domain) && rest.length === 0 && (port === undefined || /^[1-9]\d{0,4}$/.test(port))
}

/** Only as it is normalised, so that one user has one spelling. */
const isHttpsUri = (text: string): boolean =>
  text.length <= MAX_URI && text.startsWith('https://') && URL.canParse(text) && new URL(text).href === text

/** The host of `instance <host>`; undefined for a user's URI. */
export const instanceHost = (signedBy: string): string | undefined =>
  signedBy.startsWith(INSTANCE) ? signedBy.slice(INSTANCE.length) : undefined

/** The form that the name of a signer has in a version (versia-websocket 8, step 1). */
export const isSignedBy = (text: string, version: VersiaVersion): boolean => {
  if (version === '0.6') return isDomain(text)
  const host = instanceHost(text)
  return host === undefined ? isHttpsUri(text) : isHost(host)
}

/** Who may be the author of what a signer signs (versia-websocket 6). In 0.6 an id alone is one of the signer's own domain. */
export const isAuthorOf = (author: unknown, signedBy: string, version: VersiaVersion): boolean => {
  if (version !== '0.6') return author === null ? instanceHost(signedBy) !== undefined : author === signedBy
  if (typeof author !== 'string') return false
  const colon = author.lastIndexOf(':')
  const domain = colon === -1 ? signedBy : author.slice(0, colon)
  return domain === signedBy && isEntityId(author.slice(colon + 1), version)
}

/** In 0.6 letters, digits, `-` and `_`; before that any text; up to 512 characters. */
export const isEntityId = (id: unknown, version: VersiaVersion): id is string =>
  typeof id === 'string' &&
  id.length > 0 &&
  id.length <= 512 &&
  (version !== '0.6' || /^[A-Za-z0-9_-]+$/.test(id))
