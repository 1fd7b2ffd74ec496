import { plainTextOf } from './plain-text'
import { base64Forms } from './secret-pattern'
import { TELLING_LENGTH, tellingPlaces } from './telling'

/** A part of a secret in a text. */
export interface FoundPart {
  owner: number
  from: number
  to: number
}

/** One way to write a secret, in lower case and with one sign for those that encodings take for each other. */
interface Spelling {
  owner: number
  text: string
}

interface Place {
  spelling: Spelling
  at: number
}

/** Of a longer secret, such as a private key, only parts as it is written are looked for, and not those of its base64 or hex. */
const MAX_ENCODED_LENGTH = 512

/** Shorter hexadecimal text also occurs in the middle of hashes and addresses. There it is none of ours. */
const MIN_HEX_INSIDE = 12
const HEX = /^[0-9a-f ]*$/
const ALPHANUMERIC = /[a-z0-9]/

const LEAST_SLOTS = 4_096
const SLOTS_PER_PLACE = 16

/**
 * Whatever part a text holds, this many characters of it begin at a place that can be divided by the stride. So a text without parts is
 * looked at only there.
 */
const STRIDE = 4
const GRAM_LENGTH = TELLING_LENGTH - STRIDE + 1

/** The same code for all that means the same: a blank is also a plus in forms, and base64 has a second alphabet for URLs. */
const CODES = Uint8Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code)
  if (sign === '+' || sign === '-') return 32
  return sign === '_' ? 47 : sign.toLowerCase().charCodeAt(0)
})

const codeAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return code < 128 ? CODES[code]! : code
}

const folded = (text: string): string => {
  let all = ''
  for (let at = 0; at < text.length; at++) all += String.fromCharCode(codeAt(text, at))
  return all
}

const spellingsOf = (secret: string): string[] => {
  const forms = secret.length > MAX_ENCODED_LENGTH ? [] : base64Forms(secret)
  const hex = secret.length > MAX_ENCODED_LENGTH ? [] : [Buffer.from(secret).toString('hex')]
  const plain = plainTextOf(secret)
  return [secret, ...(plain === undefined ? [] : [plain.text]), ...forms, ...hex]
}

/** How many characters are the same, from two places on. */
const sameAhead = (a: string, atA: number, b: string, atB: number): number => {
  let count = 0
  while (atA + count < a.length && atB + count < b.length && a[atA + count] === b[atB + count]) count++
  return count
}

const sameBehind = (a: string, atA: number, b: string, atB: number): number => {
  let count = 0
  while (atA > count && atB > count && a[atA - count - 1] === b[atB - count - 1]) count++
  return count
}

/**
 * Finds parts of secrets in a text (SC-1): eight characters or more of one, as it is or in an encoding, unless they are words or a number
 * that may be there by chance. In one pass, whose cost does not grow with the number of secrets.
 */
export class SecretParts {
  private readonly places = new Map<string, Place[]>()
  private readonly isUsed: Uint8Array
  private readonly mask: number

  /** @param secrets - each with the number of its owner */
  constructor(secrets: readonly { owner: number; text: string }[]) {
    for (const { owner, text } of secrets)
      for (const spelling of new Set(spellingsOf(text))) this.add(owner, spelling)
    let slots = LEAST_SLOTS
    while (slots < this.places.size * SLOTS_PER_PLACE) slots *= 2
    this.isUsed = new Uint8Array(slots)
    this.mask = slots - 1
    for (const part of this.places.keys())
      for (let at = 0; at < STRIDE; at++) this.isUsed[this.slotAt(part, at)] = 1
  }

  in(text: string): FoundPart[] {
    if (this.places.size === 0 || text.length < TELLING_LENGTH) return []
    const found = this.search(text)
    const plain = plainTextOf(text)
    if (plain === undefined) return found
    const { from, to } = plain
    const inPlain = this.search(plain.text)
    return [...found, ...inPlain.map((one) => ({ ...one, from: from[one.from]!, to: to[one.to - 1]! }))]
  }

  private add(owner: number, secret: string): void {
    const spelling = { owner, text: folded(secret) }
    for (const at of tellingPlaces(secret)) {
      const part = spelling.text.slice(at, at + TELLING_LENGTH)
      const known = this.places.get(part) ?? []
      if (!known.some((place) => place.spelling === spelling)) known.push({ spelling, at })
      this.places.set(part, known)
    }
  }

  private slotAt(text: string, start: number): number {
    let hash = 0
    for (let at = start; at < start + GRAM_LENGTH; at++) hash = (Math.imul(hash, 31) + codeAt(text, at)) | 0
    return hash & this.mask
  }

  private search(text: string): FoundPart[] {
    const found: FoundPart[] = []
    let whole: string | undefined
    for (let at = 0; at + GRAM_LENGTH <= text.length; at += STRIDE) {
      if (this.isUsed[this.slotAt(text, at)] === 0) continue
      whole ??= folded(text)
      this.around(whole, at, found)
    }
    return found
  }

  /** Adds the parts that hold the characters at a place. */
  private around(text: string, place: number, found: FoundPart[]): void {
    for (let at = Math.max(0, place - STRIDE + 1); at <= place; at++) {
      for (const { spelling, at: inSecret } of this.places.get(text.slice(at, at + TELLING_LENGTH)) ?? []) {
        const behind = sameBehind(text, at, spelling.text, inSecret)
        const ahead = sameAhead(text, at, spelling.text, inSecret)
        const run = { owner: spelling.owner, from: at - behind, to: at + ahead }
        if (isOfSecret(text, run)) found.push(run)
      }
    }
  }
}

const isOfSecret = (text: string, { from, to }: FoundPart): boolean => {
  if (to - from >= MIN_HEX_INSIDE || !HEX.test(text.slice(from, to))) return true
  return !ALPHANUMERIC.test(text[from - 1] ?? '') && !ALPHANUMERIC.test(text[to] ?? '')
}
