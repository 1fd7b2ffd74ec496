import { type Answer, BadAnswer } from './answer'

/** Whether a value is right for a feed. */
export type Check = (base: string, result: unknown) => boolean

/** What is asked, of whom, and what has to come back. */
export interface LoadOptions {
  port: number
  /** Asked for in turn. */
  bases: readonly string[]
  check: Check
  /** Each with one request under way. Default 50. */
  connections?: number
  /** Whether each request has members of its own, as those of nodes do; else those for a feed are all the same bytes. */
  asNode?: boolean
}

export const CONNECTIONS = 50

/** Called right before the time that counts and right after it. */
export interface Around {
  before?: () => void
  after?: () => void
}

/** What a round of load counted. */
export interface Counted {
  requests: number
  seconds: number
  p50Ms: number
  p99Ms: number
}

/** @throws BadAnswer unless it is a good answer with a value that is right for the feed */
export const checkValue = ({ status, body }: Answer, base: string, check: Check): void => {
  const result = status === 200 ? (JSON.parse(body) as { result?: unknown }).result : undefined
  if (!check(base, result)) throw new BadAnswer(`Asked for ${base}, got ${status}: ${body.slice(0, 200)}`)
}
