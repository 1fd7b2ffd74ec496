import { type Anchor, MIN_ANCHOR_LENGTH } from './anchor-index'

export interface SecretPattern {
  /** Source of a regular expression without capturing groups, for use with the flag `i`. */
  source: string
  /** Length of the shortest text it matches. */
  minLength: number
  /** Every text that it matches contains one of these. Undefined when some form of the secret has no part that could be one. */
  anchors: Anchor[] | undefined
}

/** The base64 and hex forms of a shorter secret occur in harmless text, so only its literal form is looked for. */
const MIN_ENCODED_LENGTH = 4

/** A secret in base64 at a shifted position is looked for only if at least this many of its characters are certain. */
const MIN_SHIFTED_LENGTH = 8

const NAMED_ENTITIES: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }

const CONTROL_ESCAPES: Record<string, string> = { '\t': 't', '\r': 'r', '\b': 'b', '\f': 'f' }

/** Turns text into the source of a regular expression that matches it. */
export const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

const either = (forms: string[]): string => `(?:${[...new Set(forms)].join('|')})`

/** The character's UTF-8 bytes, each as `%xx`; `%25xx` and so on if it went through more than one encoding. */
const percentForm = (char: string): string =>
  [...Buffer.from(char)].map((byte) => `%(?:25){0,2}${hex(byte, 2)}`).join('')

const entityForms = (char: string): string[] => {
  const code = char.codePointAt(0) ?? 0
  const name = NAMED_ENTITIES[char]
  return [`&#0*${code};`, `&#x0*${hex(code, 1)};`, ...(name ? [`&${name};`] : [])]
}

/** `\u` escapes; a backslash may have been escaped again by an outer JSON text. */
const unicodeEscape = (char: string): string =>
  Array.from({ length: char.length }, (_, at) => `\\\\{1,4}u${hex(char.charCodeAt(at), 4)}`).join('')

/** All forms that one character may have after URLs, JSON or HTML have encoded it. */
const characterSource = (char: string): string => {
  if (/^\w$/.test(char)) return char
  const forms = [percentForm(char), ...entityForms(char), unicodeEscape(char)]
  // In JSON text inside JSON text a quote has several backslashes before it, and some programs put one before a slash.
  forms.push(/["'/]/.test(char) ? `\\\\{0,7}${escapeRegExp(char)}` : escapeRegExp(char))
  const control = CONTROL_ESCAPES[char]
  if (control) forms.push(`\\\\{1,4}${control}`)
  if (char === ' ') forms.push('\\+')
  return either(forms)
}

/** Settings hold multi-line keys with real line ends or with the two characters backslash-n, so both have to be found. */
const lineEndSource = either([
  '\\r?\\n',
  '(?:\\\\{1,4}r)?\\\\{1,4}n',
  '(?:%(?:25){0,2}0d)?%(?:25){0,2}0a',
  '(?:%(?:25){0,2}5c|&#0*92;|&#x0*5c;)n',
  '&#0*10;',
  '&#x0*a;',
  '\\\\{1,4}u000a',
])

/** A run of backslashes is one unit. If each backslash were one, a longer run could be split in many ways, and matching would be slow. */
const backslashSource = (count: number): string =>
  either([`\\\\{${count},${8 * count}}`, `(?:%(?:25){0,2}5c){${count}}`, `(?:&#0*92;|&#x0*5c;){${count}}`])

const units = (secret: string): string[] => secret.match(/\r?\n|\\n|\\+?(?=\\n|[^\\]|$)|[^\\]/gu) ?? []

const unitSource = (unit: string): string => {
  if (unit.endsWith('\n') || unit === '\\n') return lineEndSource
  return unit.startsWith('\\') ? backslashSource(unit.length) : characterSource(unit)
}

/** Base64 in either alphabet, and the plain one after URL encoding or in JSON that escapes slashes. */
const base64Source = (text: string): string =>
  text.replace(/[+/]/g, (char) => (char === '+' ? '(?:[+-]|%2b)' : '(?:\\\\{0,2}\\/|_|%2f)'))

/**
 * The secret's base64 when `shift` bytes stand before it in the encoded text, as in `user:secret`: the characters that
 * do not depend on its neighbours.
 */
const base64At = (secret: string, shift: number): string => {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)])
  const first = Math.ceil((shift * 8) / 6)
  const end = Math.floor((bytes.length * 8) / 6)
  return bytes.toString('base64').slice(first, end)
}

/** The certain characters of a secret's base64, for each place that it may have in what is encoded. */
export const base64Forms = (secret: string): string[] => [0, 1, 2].map((shift) => base64At(secret, shift))

/** What may follow the certain characters: a last character that holds only some bits of the secret, and padding. */
const base64End = (secret: string, shift: number): string => {
  const isPartial = ((Buffer.byteLength(secret) + shift) * 8) % 6 !== 0
  return isPartial ? '(?:[\\w+/-](?:=|%3d){0,2})?' : ''
}

/** A way in which the secret may be written, and the words that are the same in everything that it matches. */
interface Form {
  source: string
  words: string[]
}

const literalForm = (parts: string[]): Form => {
  // A unit that has other forms ends a word; so does backslash-n, which is one unit.
  const words = parts.map((unit) => (/^\w$/.test(unit) ? unit : ' ')).join('')
  return { source: parts.map(unitSource).join(''), words: words.split(' ') }
}

const encodedForms = (secret: string): Form[] => {
  if (secret.length < MIN_ENCODED_LENGTH) return []
  const hexText = Buffer.from(secret).toString('hex')
  const forms: Form[] = [{ source: hexText, words: [hexText] }]
  for (const shift of [0, 1, 2]) {
    const text = base64At(secret, shift)
    if (shift > 0 && text.length < MIN_SHIFTED_LENGTH) continue
    forms.push({ source: base64Source(text) + base64End(secret, shift), words: text.split(/[+/]/) })
  }
  return forms
}

/** The longest word, with all other words as companions: a single word of a URL occurs in many other URLs. */
const anchorOf = ({ words }: Form): Anchor | undefined => {
  const [text, ...companions] = words
    .map((word) => word.toLowerCase())
    .filter((word) => word !== '')
    .sort((a, b) => b.length - a.length)
  return text !== undefined && text.length >= MIN_ANCHOR_LENGTH ? { text, companions } : undefined
}

const patternOf = (forms: Form[], minLength: number): SecretPattern => {
  const anchors = forms.map(anchorOf).filter((anchor) => anchor !== undefined)
  return {
    source: forms.map(({ source }) => source).join('|'),
    minLength,
    anchors: anchors.length === forms.length ? anchors : undefined,
  }
}

/**
 * A pattern for a secret in all the forms in which it is likely to show up: as it is, URL-encoded (also twice, and with
 * digits in either case), escaped for JSON or HTML, in hex, base64 and base64url, also as part of longer encoded text.
 */
export const secretPattern = (secret: string): SecretPattern => {
  const parts = units(secret)
  return patternOf([literalForm(parts), ...encodedForms(secret)], parts.length)
}

/** Behind the beginning of a path, which no word stands before: `ETH/USD` is none. */
const IN_A_PATH = String.raw`(?<=(?:^|[^\w])(?:\/|%2f)[^\s"'<>]*)`

/** A pattern for a word that is a secret only where it is a part of a URL or a path. */
export const pathPattern = (word: string): SecretPattern => {
  const parts = units(word)
  const { source, words } = literalForm(parts)
  return patternOf([{ source: `${IN_A_PATH}${source}(?![a-z0-9])`, words }], parts.length)
}
