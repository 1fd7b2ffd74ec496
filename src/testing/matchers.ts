import { ourTime } from '../util/clock'
import { type ErrorCode } from '../validation/error-codes'
import { bodyOf, reasonOf } from './answer-body'
import { type Reply } from './serve'

/** What a matcher of vitest or jest returns. */
export interface MatcherResult {
  pass: boolean
  message: () => string
}

/**
 * The matchers as they are called on `expect(reply)`. For their types, name this where the test framework looks:
 *
 * @example
 * declare module 'vitest' {
 *   interface Matchers<T> extends ReplyMatchers<T> {}
 * }
 * // or, in jest:
 * declare global {
 *   namespace jest {
 *     interface Matchers<R> extends ReplyMatchers<R> {}
 *   }
 * }
 */
export interface ReplyMatchers<R = unknown> {
  /** It has this status and, where that is named, this result. */
  toAnswer: (statusCode: number, result?: number | string | null) => R
  /** It is a value, with times that can be: not of the future, and none older than this (30 000 ms by default). */
  toBeFresh: (maxAgeMs?: number) => R
  /** It is an error with this reason. */
  toHaveReason: (code: ErrorCode) => R
}

const MAX_AGE_MS = 30_000
/** So much may a provider's clock be ahead of ours, as guards have it by default. */
const TOLERANCE_MS = 5_000

const show = ({ statusCode, text }: Reply): string => `it was ${statusCode} ${text}`

const judge = (reply: Reply, expected: string, problem: string | undefined): MatcherResult => ({
  pass: problem === undefined,
  message: () =>
    problem === undefined
      ? `expected an answer that does not ${expected}: ${show(reply)}`
      : `expected an answer to ${expected}, and ${problem}: ${show(reply)}`,
})

const whyNotFresh = (reply: Reply, maxAgeMs: number): string | undefined => {
  if (reply.statusCode !== 200) return 'it is an error'
  const { timestamps = {} } = bodyOf(reply)
  if (typeof timestamps.providerDataReceivedUnixMs !== 'number') return 'it has no time of receipt'
  const now = ourTime.now()
  for (const name of ['providerIndicatedTimeUnixMs', 'providerDataReceivedUnixMs'] as const) {
    const { [name]: time } = timestamps
    if (time === undefined || time === null) continue
    if (typeof time !== 'number') return `${name} is no number`
    if (time - now > TOLERANCE_MS) return `${name} is ${time - now} ms ahead`
    if (now - time > maxAgeMs) return `${name} is ${now - time} ms ago`
  }
  return undefined
}

/**
 * Matchers for the replies of a served adapter, for the `expect` of vitest and of jest.
 *
 * @example
 * expect.extend(matchers)
 * expect(await service.post(feed)).toAnswer(200, 1800.5)
 * expect(await service.post(feed)).toHaveReason('STALE_VALUE')
 */
export const matchers = {
  toAnswer(reply: Reply, statusCode: number, result?: number | string | null): MatcherResult {
    const wanted = result === undefined ? `${statusCode}` : `${statusCode} with the result ${result}`
    const isIt = reply.statusCode === statusCode && (result === undefined || bodyOf(reply).result === result)
    return judge(reply, `be ${wanted}`, isIt ? undefined : 'it is another')
  },

  toBeFresh(reply: Reply, maxAgeMs = MAX_AGE_MS): MatcherResult {
    return judge(reply, `be at most ${maxAgeMs} ms old`, whyNotFresh(reply, maxAgeMs))
  },

  toHaveReason(reply: Reply, code: ErrorCode): MatcherResult {
    const found = reasonOf(reply)
    const problem = found === code ? undefined : `it has ${typeof found === 'string' ? found : 'none'}`
    return judge(reply, `have the reason ${code}`, problem)
  },
}

/** @throws Error with what the matcher says, where there is no `expect` to use it by */
export const check = ({ pass, message }: MatcherResult): void => {
  if (!pass) throw new Error(message())
}
