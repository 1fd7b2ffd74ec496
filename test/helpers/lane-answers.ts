/** What the server says to bytes that its parser refuses. */
const REFUSAL = /"Client Error"/
/** An answer after which the server takes nothing more from a connection. */
const LAST = /"Client Error"|\r\nconnection: close\r\n/i

const answersIn = (text: string): string[] =>
  text.split(/(?=HTTP\/1\.\d \d{3})/).filter((answer) => answer !== '')

/**
 * The one difference that the lane may make. What it leaves to the parser in one piece is parsed whole before any of it is answered, where the
 * parser by itself answers in between. So requests in one packet with something after which the connection is over may miss their answers;
 * those that there are, are the same, and the connection is over.
 */
export const endsAlike = (laned: string, parsed: string): boolean => {
  if (!LAST.test(laned) || !LAST.test(parsed)) return false
  let at = 0
  const some = answersIn(laned).filter((answer) => !REFUSAL.test(answer))
  for (const one of answersIn(parsed)) if (one === some[at]) at++
  return at === some.length
}
