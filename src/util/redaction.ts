import { AnchorIndex } from './anchor-index'
import { isTrue } from './boolean-text'
import { rewriteStrings, someString } from './deep-strings'
import { isObject } from './objects'
import { escapeRegExp, secretPattern } from './secret-pattern'

/** A value that must not be shown. Its members that can be listed are those of the contract (13.3, 18.5). */
export interface CensorKeyValue {
  /** Name of the setting; the value is replaced by `[<key> REDACTED]`. */
  key: string
  value: RegExp
  /** The plain value, not listed. With it, encoded forms are found as well; without it, only what `value` matches. */
  secret?: string
}

/** A censor list entry for a secret: case-insensitive, line ends also as backslash-n (contract 13.3). */
export const secretEntry = (name: string, value: string): CensorKeyValue => {
  const pattern = new RegExp(escapeRegExp(value).replaceAll('\n', '(?:\\n|\\\\n)'), 'gi')
  // Not enumerable: adapters' tests compare whole entries.
  return Object.defineProperty({ key: name, value: pattern }, 'secret', { value })
}

const maskFor = (entry: CensorKeyValue): string => `[${entry.key} REDACTED]`

const matchesNothing = (entry: CensorKeyValue): boolean =>
  entry.secret === undefined ? ''.search(entry.value) !== -1 : entry.secret === ''

/** How one secret is replaced. The pattern also matches masks, so that a secret which is part of a mask's text does not break the mask. */
interface Replacement {
  pattern: RegExp
  mask: string
}

/** As many names of members are known to hold no secret: the same few come with every message. */
const MAX_CLEAN_NAMES = 1_000

/** Finds each secret of one censor list in all its forms. What that needs is computed once, here. */
class Redactor {
  private readonly secrets: Replacement[] = []
  private readonly anchors: AnchorIndex
  /** Secrets that have no anchor, because they are too short or have unusual characters: their patterns are always tried. */
  private readonly anchorless: number[] = []
  private readonly patternOnly: CensorKeyValue[]
  private readonly minLength: number
  private readonly cleanNames = new Set<string>()

  constructor(readonly list: CensorKeyValue[]) {
    const entries = list.filter((entry) => !matchesNothing(entry))
    this.patternOnly = entries
      .filter((entry) => entry.secret === undefined)
      .map((entry) => ({ ...entry, value: everywhere(entry.value) }))
    // One secret may be part of a longer one. The longer one comes first, so that it is replaced as a whole.
    const withSecret = entries
      .filter((entry) => entry.secret !== undefined)
      .sort((a, b) => (b.secret ?? '').length - (a.secret ?? '').length)
    const masks = withSecret.map(maskFor)
    const anyMask = [...new Set(masks)].map(escapeRegExp).join('|')
    const patterns = withSecret.map((entry) => secretPattern(entry.secret ?? ''))
    this.minLength = Math.min(...patterns.map(({ minLength }) => minLength))
    this.anchors = new AnchorIndex(patterns.map(({ anchors }) => anchors ?? []))
    patterns.forEach(({ source, anchors }, at) => {
      this.secrets.push({ pattern: new RegExp(`(${anyMask})|${source}`, 'gi'), mask: masks[at] ?? '' })
      if (!anchors) this.anchorless.push(at)
    })
  }

  /** The text without secrets; the same string if there were none. */
  readonly redact = (text: string): string => {
    const safe = text.length < this.minLength ? text : this.redactSecrets(text)
    return this.patternOnly.length > 0 ? this.redactPatterns(safe) : safe
  }

  redactAll<T>(value: T): T {
    if (this.secrets.length === 0 && this.patternOnly.length === 0) return value
    if (this.hasCleanNumbersOnly(value)) return value
    return someString(value, this.isRevealing) ? (rewriteStrings(value, this.redact) as T) : value
  }

  /** Whether a plain object has numbers only, as the data of most prices does, under names that hold no secret. */
  private hasCleanNumbersOnly(value: unknown): boolean {
    if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return false
    for (const name in value) if (typeof value[name] !== 'number' || !this.isCleanName(name)) return false
    return true
  }

  private isCleanName(name: string): boolean {
    if (this.cleanNames.has(name)) return true
    if (this.isRevealing(name)) return false
    if (this.cleanNames.size < MAX_CLEAN_NAMES) this.cleanNames.add(name)
    return true
  }

  private readonly isRevealing = (text: string): boolean => this.redact(text) !== text

  private redactSecrets(text: string): string {
    const found = this.anchors.ownersIn(text.toLowerCase())
    if (!found && this.anchorless.length === 0) return text
    let safe = text
    for (const at of [...(found ?? []), ...this.anchorless].sort((a, b) => a - b)) {
      const { pattern, mask } = this.secrets[at]!
      safe = safe.replace(pattern, (match: string, keptMask: string | undefined) =>
        keptMask === undefined ? mask : match,
      )
    }
    return safe
  }

  private redactPatterns(text: string): string {
    let safe = text
    for (const entry of this.patternOnly) safe = replaceLines(safe, entry.value, maskFor(entry))
    return safe
  }
}

const everywhere = (pattern: RegExp): RegExp =>
  pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`)

/** contract 13.3: authors write patterns for JSON text, in which a line end is the two characters backslash-n. */
const replaceLines = (text: string, pattern: RegExp, mask: string): string => {
  const direct = text.replace(pattern, () => mask)
  if (direct !== text || !text.includes('\n')) return direct
  const oneLine = text.replaceAll('\n', '\\n')
  const safe = oneLine.replace(pattern, () => mask)
  return safe === oneLine ? text : safe.replaceAll('\\n', '\n')
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

/** A URL as logs and labels may show it: without user-info, query and fragment. `invalid url` for text that is no URL. */
export const safeUrl = (url: string): string => {
  if (!URL.canParse(url)) return 'invalid url'
  const { protocol, host, pathname } = new URL(url)
  if (host === '') return 'invalid url'
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
