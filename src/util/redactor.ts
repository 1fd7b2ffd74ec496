import { AnchorIndex } from './anchor-index'
import { rewriteStrings, someString } from './deep-strings'
import { isObject } from './objects'
import { type FoundPart, SecretParts } from './secret-parts'
import { escapeRegExp, pathPattern, secretPattern, type SecretPattern } from './secret-pattern'
import { TELLING_LENGTH } from './telling'
import { piecesOf, type SecretPiece } from './secret-pieces'

/** A value that must not be shown. Its members that can be listed are those of the contract (13.3, 18.5). */
export interface CensorKeyValue {
  /** Name of the setting; the value is replaced by `[<key> REDACTED]`. */
  key: string
  value: RegExp
  /** The plain value, not listed. With it, encoded forms are found as well; without it, only what `value` matches. */
  secret?: string
}

const maskFor = (key: string): string => `[${key} REDACTED]`

const matchesNothing = (entry: CensorKeyValue): boolean =>
  entry.secret === undefined ? ''.search(entry.value) !== -1 : entry.secret === ''

/** How one secret is replaced. The pattern also matches masks, so that a secret which is part of a mask's text does not break the mask. */
interface Replacement {
  pattern: RegExp
  mask: string
}

type Sought = SecretPiece & { key: string }

/** As many names of members are known to hold no secret: the same few come with every message. */
const MAX_CLEAN_NAMES = 1_000

/** As many characters of text may stand for one of a secret: it has gone through two encodings. */
const LONGEST_WRITTEN = 6

/** What an author's pattern matches is not known to be longer. */
const LONGEST_OF_PATTERN = 1_024

/** What is looked for of an entry: its secret as a whole, and what is secret in it. */
const soughtOf = ({ key, secret = '' }: CensorKeyValue): Sought[] => {
  const pieces = piecesOf(secret)
  const all: SecretPiece[] = [
    { text: secret, kind: pieces === undefined ? 'key' : 'whole' },
    ...(pieces ?? []),
  ]
  return all.map((piece) => ({ ...piece, key }))
}

const patternFor = ({ text, kind }: Sought): SecretPattern =>
  kind === 'word' ? pathPattern(text) : secretPattern(text)

const byPlace = (a: FoundPart, b: FoundPart): number => a.from - b.from || b.to - a.to

const isNew = ({ text, kind }: Sought, at: number, all: Sought[]): boolean =>
  all.findIndex((one) => one.text === text && (one.kind === 'word') === (kind === 'word')) === at

/** Finds each secret of one censor list in all its forms. What that needs is computed once, here. */
export class Redactor {
  /** So much of the end of a text that was cut may be the beginning of a secret that is none without the rest. */
  readonly longest: number
  private readonly secrets: Replacement[] = []
  private readonly anchors: AnchorIndex
  /** Secrets that have no anchor, because they are too short or have unusual characters: their patterns are always tried. */
  private readonly anchorless: number[] = []
  private readonly parts: SecretParts
  private readonly anyMask: RegExp
  private readonly patternOnly: CensorKeyValue[]
  private readonly minLength: number
  private readonly cleanNames = new Set<string>()

  constructor(readonly list: CensorKeyValue[]) {
    const entries = list.filter((entry) => !matchesNothing(entry))
    this.patternOnly = entries
      .filter((entry) => entry.secret === undefined)
      .map((entry) => ({ ...entry, value: everywhere(entry.value) }))
    // One secret may be part of a longer one. The longer one comes first, so that it is replaced as a whole.
    const sought = entries
      .filter((entry) => entry.secret !== undefined)
      .flatMap(soughtOf)
      .sort((a, b) => b.text.length - a.text.length)
      .filter(isNew)
    const ofPattern = this.patternOnly.length > 0 ? LONGEST_OF_PATTERN : 0
    this.longest = Math.max(ofPattern, LONGEST_WRITTEN * (sought[0]?.text.length ?? 0))
    const masks = sought.map(({ key }) => maskFor(key))
    const anyMask = [...new Set(masks)].map(escapeRegExp).join('|')
    this.anyMask = new RegExp(`(${anyMask})`, 'gi')
    const patterns = sought.map(patternFor)
    this.anchors = new AnchorIndex(patterns.map(({ anchors }) => anchors ?? []))
    patterns.forEach(({ source, anchors }, at) => {
      this.secrets.push({ pattern: new RegExp(`(${anyMask})|${source}`, 'gi'), mask: masks[at] ?? '' })
      if (!anchors) this.anchorless.push(at)
    })
    this.parts = new SecretParts(
      sought.flatMap(({ text, kind }, owner) => (kind === 'key' ? { owner, text } : [])),
    )
    this.minLength = Math.min(...patterns.map(({ minLength }) => minLength), TELLING_LENGTH)
  }

  /** The text without secrets; the same string if there were none. */
  readonly redact = (text: string): string => {
    const safe = text.length < this.minLength ? text : this.redactParts(this.redactSecrets(text))
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

  /** What is left of secrets that are not there as a whole, such as the half of one that somebody has cut. */
  private redactParts(text: string): string {
    const found = this.parts.in(text)
    if (found.length === 0) return text
    // A mask is no secret, whatever secrets look like.
    return text
      .split(this.anyMask)
      .map((piece, at) => (at % 2 === 1 ? piece : this.withoutParts(piece)))
      .join('')
  }

  private withoutParts(text: string): string {
    let [safe, done] = ['', 0]
    for (const { from, to, owner } of this.parts.in(text).sort(byPlace)) {
      if (to <= done) continue
      if (from >= done) safe += text.slice(done, from) + this.secrets[owner]!.mask
      done = to
    }
    return safe + text.slice(done)
  }

  private redactPatterns(text: string): string {
    let safe = text
    for (const entry of this.patternOnly) safe = replaceLines(safe, entry.value, maskFor(entry.key))
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
