/** Nested deeper than this, a body is left to the parser. */
const MAX_DEPTH = 32

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COLON = 0x3a
const COMMA = 0x2c
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const SPACE = 0x20

/** What a position is where the text is no JSON, or is left to the parser. */
const NOWHERE = -1

/** The characters that may stand behind a backslash, but for `u`. */
const ESCAPES = new Set(Array.from('"\\/bfnrt', (char) => char.charCodeAt(0)))
const HEX = /^[\dA-Fa-f]{4}$/

/**
 * The character at a place; 0, which may stand nowhere, behind the end. V8 compiles `charCodeAt` well only where it is never asked for what
 * lies behind the end.
 */
const codeAt = (text: string, at: number): number => (at < text.length ? text.charCodeAt(at) : 0)

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE

const afterSpace = (text: string, start: number): number => {
  let at = start
  for (;;) {
    const code = codeAt(text, at)
    // Most texts have no space between their parts.
    if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) return at
    at++
  }
}

const afterEscape = (text: string, at: number): number => {
  const code = codeAt(text, at + 1)
  if (ESCAPES.has(code)) return at + 2
  return code === 0x75 && HEX.test(text.slice(at + 2, at + 6)) ? at + 6 : NOWHERE
}

/** @param start - behind the first quote */
const afterString = (text: string, start: number): number => {
  let at = start
  while (at !== NOWHERE) {
    const code = codeAt(text, at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at = afterEscape(text, at)
    else if (code >= SPACE) at++
    // A control character, or the end of the text.
    else return NOWHERE
  }
  return NOWHERE
}

const afterDigits = (text: string, start: number): number => {
  let at = start
  while (isDigit(codeAt(text, at))) at++
  return at === start ? NOWHERE : at
}

const afterExponent = (text: string, at: number): number => {
  const letter = codeAt(text, at)
  if (letter !== 0x65 && letter !== 0x45) return at
  const sign = codeAt(text, at + 1)
  return afterDigits(text, sign === PLUS || sign === MINUS ? at + 2 : at + 1)
}

const afterNumber = (text: string, start: number): number => {
  const first = codeAt(text, start) === MINUS ? start + 1 : start
  const whole = codeAt(text, first) === ZERO ? first + 1 : afterDigits(text, first)
  if (whole === NOWHERE) return NOWHERE
  const part = codeAt(text, whole) === POINT ? afterDigits(text, whole + 1) : whole
  return part === NOWHERE ? NOWHERE : afterExponent(text, part)
}

const afterLiteral = (text: string, at: number): number => {
  for (const literal of ['true', 'false', 'null'])
    if (text.startsWith(literal, at)) return at + literal.length
  return NOWHERE
}

const afterValue = (text: string, at: number, depth: number): number => {
  const code = codeAt(text, at)
  if (code === QUOTE) return afterString(text, at + 1)
  if (code === OPEN_OBJECT) return afterObject(text, at + 1, depth + 1)
  if (code === OPEN_ARRAY) return afterArray(text, at + 1, depth + 1)
  if (code === MINUS || isDigit(code)) return afterNumber(text, at)
  return afterLiteral(text, at)
}

const afterArray = (text: string, start: number, depth: number): number => {
  let at = afterSpace(text, start)
  if (codeAt(text, at) === CLOSE_ARRAY) return at + 1
  if (depth > MAX_DEPTH) return NOWHERE
  for (;;) {
    const end = afterValue(text, at, depth)
    if (end === NOWHERE) return NOWHERE
    at = afterSpace(text, end)
    const code = codeAt(text, at)
    if (code === CLOSE_ARRAY) return at + 1
    if (code !== COMMA) return NOWHERE
    at = afterSpace(text, at + 1)
  }
}

const isKey = (text: string, keyAt: number, keyEnd: number, name: string): boolean =>
  keyEnd - keyAt === name.length && text.startsWith(name, keyAt)

/**
 * A key that is written with escapes may be any other, and the parser refuses some: both are left to it.
 *
 * @param start - behind the first quote
 */
const afterKey = (text: string, start: number): number => {
  let at = start
  for (let code = codeAt(text, at); code !== QUOTE; code = codeAt(text, ++at))
    if (code < SPACE || code === BACKSLASH) return NOWHERE
  return isKey(text, start, at, '__proto__') || isKey(text, start, at, 'constructor') ? NOWHERE : at + 1
}

/** @returns where the value of a member begins */
const afterColon = (text: string, keyEnd: number): number => {
  if (keyEnd === NOWHERE) return NOWHERE
  const at = afterSpace(text, keyEnd)
  return codeAt(text, at) === COLON ? afterSpace(text, at + 1) : NOWHERE
}

const afterMember = (text: string, at: number, depth: number): number => {
  if (codeAt(text, at) !== QUOTE) return NOWHERE
  const from = afterColon(text, afterKey(text, at + 1))
  return from === NOWHERE ? NOWHERE : afterValue(text, from, depth)
}

/** @param start - behind the bracket */
const afterObject = (text: string, start: number, depth: number): number => {
  let at = afterSpace(text, start)
  if (codeAt(text, at) === CLOSE_OBJECT) return at + 1
  if (depth > MAX_DEPTH) return NOWHERE
  for (;;) {
    const end = afterMember(text, at, depth)
    if (end === NOWHERE) return NOWHERE
    at = afterSpace(text, end)
    const code = codeAt(text, at)
    if (code === CLOSE_OBJECT) return at + 1
    if (code !== COMMA) return NOWHERE
    at = afterSpace(text, at + 1)
  }
}

/**
 * What decides how a request is answered, as it is written in the text of its body: the members `endpoint` and `data` (contract 6.2). All
 * else (`id`, `meta`, …) does not matter where no code of the author reads it. The whole body is checked, and nothing of it is parsed.
 *
 * @param text - in which the body lies: a part that is cut out is slower to read
 * @param bodyAt - where it begins
 * @param bodyEnd - where it ends
 * @returns the same text for bodies that are the same in these members, byte for byte; undefined for what is no JSON object, and for what
 * is rare and left to the parser: escapes in keys, deep nesting, keys that the parser refuses
 */
export const decisionKeyOf = (text: string, bodyAt = 0, bodyEnd = text.length): string | undefined => {
  let [endpoint, data] = ['', '']
  let at = afterSpace(text, bodyAt)
  if (codeAt(text, at) !== OPEN_OBJECT) return undefined
  at = afterSpace(text, at + 1)
  let hasMember = codeAt(text, at) !== CLOSE_OBJECT
  while (hasMember) {
    const key = at + 1
    const keyEnd = codeAt(text, at) === QUOTE ? afterKey(text, key) : NOWHERE
    const from = afterColon(text, keyEnd)
    const to = from === NOWHERE ? NOWHERE : afterValue(text, from, 0)
    if (to === NOWHERE) return undefined
    // The last one of several counts, as for the parser.
    if (isKey(text, key, keyEnd - 1, 'data')) data = text.slice(from, to)
    else if (isKey(text, key, keyEnd - 1, 'endpoint')) endpoint = text.slice(from, to)
    at = afterSpace(text, to)
    hasMember = codeAt(text, at) === COMMA
    if (hasMember) at = afterSpace(text, at + 1)
  }
  // What lies behind the body is not of it, whatever it looks like.
  const isBody = codeAt(text, at) === CLOSE_OBJECT && at < bodyEnd && afterSpace(text, at + 1) >= bodyEnd
  if (!isBody) return undefined
  return endpoint === '' ? data : `${endpoint}\n${data}`
}
