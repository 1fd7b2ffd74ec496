/** What the server says to bytes that its parser refuses. */
const REFUSAL = /"Client Error"|^HTTP\/1\.1 431/

const answersIn = (text: string): string[] =>
  text.split(/(?=HTTP\/1\.\d \d{3})/).filter((answer) => answer !== '' && !REFUSAL.test(answer))

/** Whether all of the one are in the other, in the same order. */
const areAmong = (some: string[], all: string[]): boolean => {
  let at = 0
  for (const one of all) if (one === some[at]) at++
  return at === some.length
}

/**
 * The one difference that the lane may make, for requests that come in one packet with something that is refused or ends the connection. What
 * the lane leaves to the parser in one piece is parsed whole before any of it is answered, where the parser by itself answers in between. So
 * one of both may say less; what it says is the same, in the same order.
 */
export const areConsistent = (laned: string, parsed: string): boolean => {
  const [ours, theirs] = [answersIn(laned), answersIn(parsed)]
  return areAmong(ours, theirs) || areAmong(theirs, ours)
}
