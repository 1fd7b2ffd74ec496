/** What came back, as far as the bench wants to know. Bytes are one character each. */
export interface Answer {
  status: number
  body: string
}

/** An answer that cannot be counted: not as HTTP has it, cut off, or not what was to come. */
export class BadAnswer extends Error {}

const HEAD_END = '\r\n\r\n'

/**
 * Reads one answer to a connection with one request under way. Only answers that say their length are understood: all that a
 * JSON server sends.
 *
 * @param received - all bytes since the request, one character each
 * @returns undefined as long as some of it is still to come
 * @throws BadAnswer when it will never become a whole answer, or more follows it than was asked for
 */
export const readAnswer = (received: string): Answer | undefined => {
  const headEnd = received.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  const status = /^HTTP\/1\.1 (\d{3})[ \r]/.exec(received)?.[1]
  if (status === undefined) throw new BadAnswer(`Not an answer: ${received.slice(0, 40)}`)
  const head = received.slice(0, headEnd + 2)
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1]
  if (length === undefined) throw new BadAnswer('An answer that does not say its length')
  const bodyAt = headEnd + HEAD_END.length
  const excess = received.length - bodyAt - Number(length)
  if (excess < 0) return undefined
  if (excess > 0) throw new BadAnswer(`${excess} bytes follow an answer`)
  return { status: Number(status), body: received.slice(bodyAt) }
}
