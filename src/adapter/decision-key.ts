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

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE

const afterSpace = (text: string, start: number): number => {
  let at = start
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return at
    at++
  }
}

const afterEscape = (text: string, at: number): number => {
  const code = text.charCodeAt(at + 1)
  if (ESCAPES.has(code)) return at + 2
  return code === 0x75 && HEX.test(text.slice(at + 2, at + 6)) ? at + 6 : NOWHERE
}

/** @param start - behind the first quote */
const afterString = (text: string, start: number): number => {
  let at = start
  while (at !== NOWHERE) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at = afterEscape(text, at)
    else if (code >= SPACE) at++
    // A control character, or the end of the text, whose code is NaN.
    else return NOWHERE
  }
  return NOWHERE
}

const afterDigits = (text: string, start: number): number => {
  let at = start
  while (isDigit(text.charCodeAt(at))) at++
  return at === start ? NOWHERE : at
}

const afterExponent = (text: string, at: number): number => {
  const letter = text.charCodeAt(at)
  if (letter !== 0x65 && letter !== 0x45) return at
  const sign = text.charCodeAt(at + 1)
  return afterDigits(text, sign === PLUS || sign === MINUS ? at + 2 : at + 1)
}

const afterNumber = (text: string, start: number): number => {
  const first = text.charCodeAt(start) === MINUS ? start + 1 : start
  const whole = text.charCodeAt(first) === ZERO ? first + 1 : afterDigits(text, first)
  if (whole === NOWHERE) return NOWHERE
  const part = text.charCodeAt(whole) === POINT ? afterDigits(text, whole + 1) : whole
  return part === NOWHERE ? NOWHERE : afterExponent(text, part)
}

const afterLiteral = (text: string, at: number): number => {
  for (const literal of ['true', 'false', 'null'])
    if (text.startsWith(literal, at)) return at + literal.length
  return NOWHERE
}

const afterValue = (text: string, at: number, depth: number): number => {
  const code = text.charCodeAt(at)
  if (code === QUOTE) return afterString(text, at + 1)
  if (code === OPEN_OBJECT) return afterObject(text, at + 1, depth + 1, ignored)
  if (code === OPEN_ARRAY) return afterArray(text, at + 1, depth + 1)
  if (code === MINUS || isDigit(code)) return afterNumber(text, at)
  return afterLiteral(text, at)
}

const afterArray = (text: string, start: number, depth: number): number => {
  let at = afterSpace(text, start)
  if (text.charCodeAt(at) === CLOSE_ARRAY) return at + 1
  if (depth > MAX_DEPTH) return NOWHERE
  for (;;) {
    const end = afterValue(text, at, depth)
    if (end === NOWHERE) return NOWHERE
    at = afterSpace(text, end)
    const code = text.charCodeAt(at)
    if (code === CLOSE_ARRAY) return at + 1
    if (code !== COMMA) return NOWHERE
    at = afterSpace(text, at + 1)
  }
}

/** Told of each member of an object: its key, and where its value begins and ends. */
type Member = (key: string, from: number, to: number) => void

const ignored: Member = () => {}

/** A key that is written with escapes may be any other, and the parser refuses some: both are left to it. */
const isPlain = (key: string): boolean => !key.includes('\\') && key !== '__proto__' && key !== 'constructor'

const afterMember = (text: string, at: number, depth: number, member: Member): number => {
  if (text.charCodeAt(at) !== QUOTE) return NOWHERE
  const keyEnd = afterString(text, at + 1)
  if (keyEnd === NOWHERE) return NOWHERE
  const key = text.slice(at + 1, keyEnd - 1)
  const colon = afterSpace(text, keyEnd)
  if (!isPlain(key) || text.charCodeAt(colon) !== COLON) return NOWHERE
  const from = afterSpace(text, colon + 1)
  const to = afterValue(text, from, depth)
  if (to !== NOWHERE) member(key, from, to)
  return to
}

const afterObject = (text: string, start: number, depth: number, member: Member): number => {
  let at = afterSpace(text, start)
  if (text.charCodeAt(at) === CLOSE_OBJECT) return at + 1
  if (depth > MAX_DEPTH) return NOWHERE
  for (;;) {
    const end = afterMember(text, at, depth, member)
    if (end === NOWHERE) return NOWHERE
    at = afterSpace(text, end)
    const code = text.charCodeAt(at)
    if (code === CLOSE_OBJECT) return at + 1
    if (code !== COMMA) return NOWHERE
    at = afterSpace(text, at + 1)
  }
}

/**
 * What decides how a request is answered, as it is written in the text of its body: the members `endpoint` and `data` (contract 6.2). All
 * else (`id`, `meta`, …) does not matter where no code of the author reads it. The whole text is checked, and nothing of it is parsed.
 *
 * @returns the same text for bodies that are the same in these members, byte for byte; undefined for what is no JSON object, and for what
 * is rare and left to the parser: escapes in keys, deep nesting, keys that the parser refuses
 */
export const decisionKeyOf = (body: string): string | undefined => {
  let [endpoint, data] = ['', '']
  const note: Member = (key, from, to) => {
    // The last one of several counts, as for the parser.
    if (key === 'data') data = body.slice(from, to)
    else if (key === 'endpoint') endpoint = body.slice(from, to)
  }
  const start = afterSpace(body, 0)
  if (body.charCodeAt(start) !== OPEN_OBJECT) return undefined
  const end = afterObject(body, start + 1, 0, note)
  if (end === NOWHERE || afterSpace(body, end) !== body.length) return undefined
  return endpoint === '' ? data : `${endpoint}\n${data}`
}
