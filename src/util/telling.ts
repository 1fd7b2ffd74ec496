/** The shortest part of a secret that may not be shown (SC-1), in characters. */
export const TELLING_LENGTH = 8

const SEPARATORS = /[-_.:/@,; ]+/

/** A word in one letter case, several of them written as one with capitals, or the end of one. */
const WORD = /^(?:[a-z]*(?:[A-Z][a-z]{2,})*(?:[A-Z][a-z]*)?|[A-Z]+[a-z]?)$/

const UNSPEAKABLE = /[bcdfghjklmnpqrstvwxz]{5}/i

/** A line of dashes, and what else is made of so few signs, is in many texts. */
const LEAST_SIGNS = 4

const NUMBER = /^[\d.,:+/ -]*$/

/** Such as the name of a network or a version. */
const NUMBERED_WORD = /^\d{0,2}([-_.:/@,; a-z]{6,}|[-_.:/@,; A-Z]{6,})\d{0,2}$/

/** Whether a text may stand in any other one by chance: it is a number, or made of words. */
const isOrdinary = (text: string): boolean => {
  if (NUMBER.test(text) || new Set(text).size < LEAST_SIGNS) return true
  if (UNSPEAKABLE.test(text)) return false
  return NUMBERED_WORD.test(text) || text.split(SEPARATORS).every((word) => WORD.test(word))
}

/** Of an account or a contract on a chain: it is public, also where it is named in what is secret, such as a delegation. */
const ADDRESS = /0x[0-9a-f]{40}(?![0-9a-f])/gi
const ADDRESS_LENGTH = 42

/** The places in a secret at which a part begins that says something of it, and not a word or a number that is everywhere. */
export const tellingPlaces = (secret: string): number[] => {
  const places: number[] = []
  const known = [...secret.matchAll(ADDRESS)].map(({ index }) => index)
  for (let at = 0; at + TELLING_LENGTH <= secret.length; at++) {
    if (known.some((from) => at >= from && at + TELLING_LENGTH <= from + ADDRESS_LENGTH)) continue
    if (!isOrdinary(secret.slice(at, at + TELLING_LENGTH))) places.push(at)
  }
  return places
}

/** Whether a text is more than words and numbers, so that nobody writes it by chance. */
export const isTelling = (text: string): boolean => tellingPlaces(text).length > 0
