import { isObject } from './objects'
import { isTelling } from './telling'

/** A piece of a secret that is a secret for itself. */
export interface SecretPiece {
  text: string
  /**
   * `key`: wherever it stands, and its parts too; `whole`: only as a whole; `word`: one that others use as well, so only where it is a
   * part of a path.
   */
  kind: 'key' | 'whole' | 'word'
}

/** Names of members and of values in queries whose content is a secret, whatever it looks like. */
const SECRET_NAME =
  /passw|passphrase|pwd|secret|credential|signature|authorization|(?:api|access|private|auth)[-_]?key|(?:api|access|auth|refresh|bearer|session)[-_]?token/i

/** In queries these are names of credentials, too; elsewhere a token is also what is traded. */
const SECRET_IN_QUERY = /^(?:token|key|sig|sign|auth)$/i

/** A shorter one is too much like other text. */
const MIN_NAMED = 4
const MIN_MIXED = 6
const MIN_WORD = 8
const MAX_DEPTH = 8

/** Of a URL that nobody has declared a secret, so much may only be a key. */
const MIN_KEY_LENGTH = 16
const KEY = /^(?=.*[a-z])(?=.*\d)[\w.~%+=-]*$/i

const URLS = /[a-z][a-z0-9+.-]*:\/\/[^\s,;|"'<>]+/gi

const decoded = (text: string): string[] => {
  try {
    return [...new Set([text, decodeURIComponent(text)])]
  } catch {
    return [text]
  }
}

/** A short number is a part of many prices. */
const MIN_NUMBER = 8

const isLongEnough = (text: string): boolean => text.length >= (/^\d*$/.test(text) ? MIN_NUMBER : MIN_NAMED)

const key = (text: string): SecretPiece[] => decoded(text).map((one) => ({ text: one, kind: 'key' }))

/** A part of a URL that may be a key, or a word such as the name of a network. */
const unsure = (text: string): SecretPiece[] => {
  if (isTelling(text)) return key(text)
  const isMixed = text.length >= MIN_MIXED && /[a-z]/i.test(text) && /\d/.test(text)
  return isMixed || text.length >= MIN_WORD ? [{ text, kind: 'word' }] : []
}

/** Whether a part of a URL looks like a key, and not like anything that people name. */
export const looksLikeKey = (part: string): boolean => part.length >= MIN_KEY_LENGTH && KEY.test(part)

/** As they are written: `URLSearchParams` undoes the encoding. */
const queryOf = ({ search }: URL): [name: string, value: string][] =>
  search
    .slice(1)
    .split('&')
    .map((pair): [string, string] => {
      const [name = '', ...value] = pair.split('=')
      return [name, value.join('=')]
    })

const whole = (text: string): SecretPiece[] =>
  text.length < MIN_MIXED ? [] : decoded(text).map((one) => ({ text: one, kind: 'whole' }))

const userInfoOf = ({ username, password }: URL): SecretPiece[] => {
  if (password === '') return unsure(username)
  const pair = `${username}:${password}`
  const name = isTelling(username) ? key(username) : []
  return [...name, ...(isLongEnough(password) ? key(password) : []), ...whole(`${pair}@`), ...whole(pair)]
}

const namedOf = (url: URL): SecretPiece[] =>
  queryOf(url).flatMap(([name, value]) => {
    const isNamed = SECRET_NAME.test(name) || (SECRET_IN_QUERY.test(name) && value.length >= MIN_WORD)
    return isNamed && isLongEnough(value) ? key(value) : []
  })

/** The credentials of a URL, as they are in any of them, whether or not somebody declares it a secret. */
const credentialsOf = (url: URL): SecretPiece[] => {
  const parts = [...url.pathname.split('/'), ...queryOf(url).map(([, value]) => value)]
  return [...userInfoOf(url), ...namedOf(url), ...parts.filter(looksLikeKey).flatMap(key)]
}

/** All that is secret of a URL that is one: its path, which may be a key, and what of its host looks like one. */
const piecesOfUrl = (url: URL): SecretPiece[] => {
  const segments = url.pathname.split('/').filter((segment) => segment !== '')
  const inPath = segments.flatMap(unsure)
  const path = inPath.length > 0 && segments.length > 1 ? whole(`/${segments.join('/')}`) : []
  const others = [url.hash.slice(1), ...queryOf(url).map(([, value]) => value)]
  const hosts = url.hostname.split('.').filter(looksLikeKey)
  return [...credentialsOf(url), ...path, ...inPath, ...hosts.flatMap(key), ...others.flatMap(unsure)]
}

const urlsIn = (text: string): URL[] =>
  [...text.matchAll(URLS)]
    .map(([url]) => url)
    .filter((url) => URL.canParse(url))
    .map((url) => new URL(url))

const jsonIn = (text: string): unknown => {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const piecesOfJson = (value: unknown, name: string, depth: number): SecretPiece[] => {
  if (typeof value === 'string') {
    const pieces = piecesOf(value, depth + 1)
    if (pieces !== undefined) return [...pieces, { text: value, kind: 'whole' }]
    const isNamed = SECRET_NAME.test(name) && isLongEnough(value)
    return isNamed || isTelling(value) ? [{ text: value, kind: 'key' }] : []
  }
  if (!isObject(value) || depth > MAX_DEPTH) return []
  return Object.entries(value).flatMap(([key, member]) =>
    piecesOfJson(member, Array.isArray(value) ? name : key, depth + 1),
  )
}

/**
 * What is secret in a secret that is a URL, several of them, or JSON: user-info, values of queries, keys in paths, strings that say
 * something (SC-1, SC-4). Undefined where it is none of these, so that all of it is.
 */
export const piecesOf = (secret: string, depth = 0): SecretPiece[] | undefined => {
  const json = depth > MAX_DEPTH ? undefined : jsonIn(secret)
  if (json !== undefined) return piecesOfJson(json, '', depth)
  const urls = urlsIn(secret)
  return urls.length === 0 ? undefined : urls.flatMap(piecesOfUrl)
}

/** What is secret in a text that is not: the credentials of the URLs in it. */
export const credentialsIn = (text: string): string[] => [
  ...new Set(
    urlsIn(text)
      .flatMap(credentialsOf)
      .filter(({ kind }) => kind === 'key')
      .map((piece) => piece.text),
  ),
]
