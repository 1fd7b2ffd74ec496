/** Nobody nests deeper on purpose. */
const MAX_DEPTH = 64
/** Commas, colons and opening brackets. A price has a dozen. */
const MAX_SIGNS = 10_000

/** Text of more values, or deeper, than anybody means to send. */
export class ExcessiveJson extends SyntaxError {}

const KEY = /^[A-Za-z0-9\-_.#/:]+$/
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/
const LIMIT = 2n ** 53n

/** `duplicates` refuses what readers of JSON disagree about; `all` is the whole of the rules of Versia 0.6. */
export type JsonRules = 'duplicates' | 'all'

/**
 * Parses JSON text more strictly than the language does (versia-websocket 6).
 *
 * @throws ExcessiveJson before anything is made of it; SyntaxError for what is no JSON, or breaks the rules
 */
export const parseStrictJson = (text: string, rules: JsonRules): unknown => {
  refuseExcess(text)
  const value: unknown = JSON.parse(text)
  // From here on the text is known to be JSON, so that finding its tokens is all there is to do.
  checkTokens(text, rules)
  return value
}

const refuseExcess = (text: string): void => {
  let [signs, depth] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x22) at = endOfString(text, at) - 1
    else if (char === 0x5b || char === 0x7b) {
      signs++
      if (++depth > MAX_DEPTH) throw new ExcessiveJson(`nested deeper than ${MAX_DEPTH}`)
    } else if (char === 0x5d || char === 0x7d) depth--
    else if (char === 0x2c || char === 0x3a) signs++
    if (signs > MAX_SIGNS) throw new ExcessiveJson(`more than ${MAX_SIGNS} values`)
  }
}

type Container = { keys: Set<string> | undefined; expectsKey: boolean }

const broken = (rule: string): never => {
  throw new SyntaxError(rule)
}

const checkTokens = (text: string, rules: JsonRules): void => {
  const open: Container[] = []
  let at = 0
  while (at < text.length) {
    const top = open.at(-1)
    const char = text.charCodeAt(at)
    if (char === 0x22) {
      const end = endOfString(text, at)
      const string = decoded(text, at, end)
      if (rules === 'all' && string.includes('\r')) broken('line ends are LF alone')
      if (top?.keys !== undefined && top.expectsKey) checkKey(string, top.keys, rules)
      at = end
    } else if (char === 0x7b || char === 0x5b) {
      open.push({ keys: char === 0x7b ? new Set() : undefined, expectsKey: true })
      at++
    } else if (char === 0x7d || char === 0x5d) {
      open.pop()
      at++
    } else if (char === 0x2c || char === 0x3a) {
      if (top !== undefined) top.expectsKey = char === 0x2c
      at++
    } else if (char === 0x2d || isDigit(char)) {
      const end = endOfNumber(text, at)
      if (rules === 'all') checkNumber(text.slice(at, end))
      at = end
    } else {
      if (rules === 'all' && char === 0x0d) broken('line ends are LF alone')
      at++ // white space, or a letter of true, false, null
    }
  }
}

const isDigit = (char: number): boolean => char >= 0x30 && char <= 0x39

const endOfString = (text: string, start: number): number => {
  let at = start + 1
  // The end of the text ends a string too, where it is not known yet to be JSON.
  while (at < text.length && text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1
  return at + 1
}

const endOfNumber = (text: string, start: number): number => {
  let at = start + 1
  while (at < text.length && /[\d.eE+-]/.test(text.charAt(at))) at++
  return at
}

const decoded = (text: string, start: number, end: number): string => {
  const inside = text.slice(start + 1, end - 1)
  return inside.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : inside
}

const checkKey = (key: string, keys: Set<string>, rules: JsonRules): void => {
  if (keys.has(key)) broken('a key stands twice in one object')
  if (rules === 'all' && !KEY.test(key)) broken('a key has characters that keys must not have')
  keys.add(key)
}

const checkNumber = (text: string): void => {
  if (!NUMBER.test(text) || text === '-0') broken('a number is not in its plain form')
  const [whole = '', fraction] = text.replace('-', '').split('.')
  // 2^53 has 16 digits; what is longer need not become a bigint.
  const isBeyond =
    whole.length > 16 || BigInt(whole) > LIMIT || (BigInt(whole) === LIMIT && fraction !== undefined)
  if (isBeyond) broken('a number is beyond 2^53')
}
