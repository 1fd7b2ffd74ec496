import { isTrue } from './boolean-text'
import { type CensorKeyValue, Redactor } from './redactor'
import { escapeRegExp } from './secret-pattern'
import { looksLikeKey } from './secret-pieces'

export { type CensorKeyValue, escapeRegExp }

/** A censor list entry for a secret: case-insensitive, line ends also as backslash-n (contract 13.3). */
export const secretEntry = (name: string, value: string): CensorKeyValue => {
  const pattern = new RegExp(escapeRegExp(value).replaceAll('\n', '(?:\\n|\\\\n)'), 'gi')
  // Not enumerable: adapters' tests compare whole entries.
  return Object.defineProperty({ key: name, value: pattern }, 'secret', { value })
}

/** The secrets of this process (contract 13.3). Each owner has a list, and all lists count: adapters may share a process. */
export class CensorList {
  /** All entries of all owners. */
  static censorList: CensorKeyValue[] = []
  private static readonly lists = new Map<string, CensorKeyValue[]>()
  private static redactor = new Redactor([])

  static getAll(): CensorKeyValue[] {
    return CensorList.censorList
  }

  /** Replaces the entries of one owner. What is needed to find encoded forms is computed when the next text is looked at. */
  static set(censorList: CensorKeyValue[], owner = 'default'): void {
    CensorList.lists.set(owner, censorList)
    CensorList.censorList = [...CensorList.lists.values()].flat()
  }

  /** @internal */
  static redactorOf(list: CensorKeyValue[]): Redactor {
    if (list === CensorList.redactor.list) return CensorList.redactor
    const redactor = new Redactor(list)
    if (list === CensorList.censorList) CensorList.redactor = redactor
    return redactor
  }
}

const current = (): Redactor => CensorList.redactorOf(CensorList.censorList)

/** The text with every known secret, in any of its usual encodings, replaced by `[<NAME> REDACTED]`. */
export const redactText = (text: string): string => current().redact(text)

/**
 * The value without known secrets, in strings and keys at any depth, error objects included. Numbers are never touched,
 * so a numeric secret cannot spoil a price (contract 8.5). Returns the very same object if nothing had to change, else
 * a copy.
 */
export const redactStrings = <T>(value: T): T => current().redactAll(value)

/**
 * What JSON keeps of a value, without the secrets of a list (contract 13.3). Undefined stays undefined; a value that
 * JSON cannot represent, such as a circular object, becomes the text `[Unknown]`.
 *
 * @throws what `JSON.stringify` throws, if `throwOnError`
 */
export const censor = (obj: unknown, censorList: CensorKeyValue[], throwOnError = false): unknown => {
  let text: string | undefined
  try {
    text = JSON.stringify(obj)
  } catch (error) {
    if (throwOnError) throw error
    return '[Unknown]'
  }
  return text === undefined ? undefined : CensorList.redactorOf(censorList).redactAll(JSON.parse(text))
}

/** Runs `logFunc`, unless the environment says `CENSOR_SENSITIVE_LOGS=true` (contract 13.3). */
export const censorLogs = (logFunc: () => void): void => {
  if (!isTrue(process.env.CENSOR_SENSITIVE_LOGS)) logFunc()
}

/** Room for masks that are shorter than what they stand for. */
const MORE_ROOM = 1_024

/**
 * The beginning of a text, as logs, answers and pages may show it: redacted first, then cut, because of a secret that is cut in two neither
 * half would be found. All code that shows a part of a text goes this way (SC-1). What is far behind the end is not looked at.
 *
 * @param length - in characters, of the redacted text
 * @param end - what stands for the rest
 */
export const beginningOf = (text: string, length: number, end = '…'): string => {
  const { longest, redact } = current()
  const room = length + longest + MORE_ROOM
  const safe = redact(text.slice(0, room))
  // The last secret that was looked at may have been cut.
  const most = text.length > room ? Math.max(0, Math.min(length, safe.length - longest)) : length
  if (text.length <= room && safe.length <= most) return safe
  return `${safe.slice(0, most).replace(HALF_CHARACTER, '')}${end}`
}

const HALF_CHARACTER = /[\ud800-\udbff]$/

const MASKED = '[REDACTED]'

const shownPath = (pathname: string): string =>
  pathname
    .split('/')
    .map((segment) => (looksLikeKey(segment) ? MASKED : segment))
    .join('/')

/**
 * A URL as logs and labels may show it: without user-info, query, fragment, and what of its path looks like a key. `invalid url` for text
 * that is no URL.
 */
export const safeUrl = (url: string): string => {
  if (!URL.canParse(url)) return 'invalid url'
  const { protocol, host, pathname } = new URL(url)
  if (host === '') return 'invalid url'
  return `${protocol}//${host}${pathname === '/' ? '' : shownPath(pathname)}`
}
