/** A text with its encodings undone, and for each of its characters where it was written in the original. */
export interface PlainText {
  text: string
  from: readonly number[]
  /** Just behind it. */
  to: readonly number[]
}

/** Text that may have been encoded more than so many times, one way inside another, is read up to there. */
const MAX_ROUNDS = 4

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/** What URLs, JSON and HTML make of characters; and what of line ends and backslashes is not the same in all of them. */
const WRITTEN =
  /(?<bytes>(?:%(?:25)*[0-9a-f]{2})+)|\\+(?:u(?<unit>[0-9a-f]{4})|(?<escaped>["'/nrtbf]))|(?<backslashes>\\+)|&(?:amp;)*(?:#0*(?<code>\d{1,7})|#x0*(?<hex>[0-9a-f]{1,6})|(?<name>amp|lt|gt|quot|apos));|(?<return>\r)(?=\n)/gi

const MAY_BE_WRITTEN = /[%\\&\r]/

const charOf = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '')

const read = (groups: Record<string, string | undefined>): string => {
  const { bytes, unit, escaped, code, hex, name } = groups
  if (bytes !== undefined) return Buffer.from(bytes.replace(/%(?:25)*/g, ''), 'hex').toString('utf8')
  if (unit !== undefined) return String.fromCharCode(parseInt(unit, 16))
  if (escaped !== undefined) return CONTROLS[escaped.toLowerCase()] ?? escaped
  if (code !== undefined) return charOf(Number(code))
  if (hex !== undefined) return charOf(parseInt(hex, 16))
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? ''
  return groups.return === undefined ? '\\' : ''
}

const round = ({ text, from, to }: PlainText): PlainText => {
  const plain = { text: '', from: [] as number[], to: [] as number[] }
  const take = (what: string, start: number, end: number) => {
    plain.text += what
    for (let at = 0; at < what.length; at++) {
      plain.from.push(from[start]!)
      plain.to.push(to[end - 1]!)
    }
  }
  const copy = (start: number, end: number) => {
    for (let at = start; at < end; at++) take(text[at]!, at, at + 1)
  }
  let done = 0
  for (const { index, 0: written, groups = {} } of text.matchAll(WRITTEN)) {
    copy(done, index)
    done = index + written.length
    take(read(groups), index, done)
  }
  copy(done, text.length)
  return plain
}

/** Undoes the encodings of a text, also one inside another. Undefined where there are none. */
export const plainTextOf = (text: string): PlainText | undefined => {
  if (!MAY_BE_WRITTEN.test(text)) return undefined
  const places = Array.from({ length: text.length }, (_, at) => at)
  let plain: PlainText = { text, from: places, to: places.map((at) => at + 1) }
  for (let done = 0; done < MAX_ROUNDS; done++) {
    const next = round(plain)
    if (next.text === plain.text) break
    plain = next
  }
  return plain.text === text ? undefined : plain
}
