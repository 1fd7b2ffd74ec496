import { memberOf } from '../../util/objects'
import {
  AdapterConnectionError,
  AdapterDataProviderError,
  AdapterRateLimitError,
} from '../../validation/errors'
import { type ResponseTimestamps } from '../../validation/timestamps'
import { type Reason } from '../../validation/reason'
import { beginningOf, redactText } from '../../util/redaction'
import { wordsOf } from '../provider-words'
import { bodyTrouble, brokenAnswer, isBrokenJson, isTooLarge } from '../../outbound-http/broken-answer'
import { answerOf, describeFailure, isWorthRetrying, statusOf } from '../../outbound-http/provider-error'

/** The part of a provider's error page that is shown. More than this nobody reads. */
const MAX_BODY_CHARACTERS = 10_000

const TOO_MANY_REQUESTS = 429

/** The consequences of a failed request. */
export interface Failure {
  /** The answer for its feeds. Undefined, so that nothing is cached, when the provider did not answer (contract 17.5). */
  response: { statusCode: number; errorMessage: string; timestamps: ResponseTimestamps } | undefined
  outage: Omit<Reason, 'sinceUnixMs'> & Partial<Reason>
  /** How the answer counts that came and could not be read (ER-8). */
  refused?: 'not-json' | 'too-large'
  /** The shortest and the longest interval before it is tried again. Undefined: it is tried again in the next pass. */
  intervalMs: { min: number; max: number } | undefined
  /** How long the pass waits because the budget is used up, in ms; 0 for other failures. */
  waitMs: number
}

const NEVER: ResponseTimestamps = {
  providerDataRequestedUnixMs: 0,
  providerDataReceivedUnixMs: 0,
  providerIndicatedTimeUnixMs: undefined,
}

/** The body of a failed request's answer, or what was wrong with it. */
const bodyOf = (cause: unknown): string => {
  const trouble = bodyTrouble(cause)
  if (trouble !== undefined) return `the body ${trouble}`
  const data = answerOf(cause)?.data
  let text: string
  try {
    text = String(JSON.stringify(data))
  } catch {
    text = '[a body that JSON cannot show]'
  }
  return beginningOf(text, MAX_BODY_CHARACTERS)
}

/** RL-3: how soon a failing request may be repeated. A cached error is renewed before it expires. */
const intervalAfter = (status: number | undefined, cacheMaxAgeMs: number): { min: number; max: number } => {
  if (status !== undefined && !isWorthRetrying(status))
    return { min: 1_000, max: Math.max(1_000, Math.min(60_000, (cacheMaxAgeMs * 2) / 3)) }
  return status === TOO_MANY_REQUESTS ? { min: 1_000, max: 10_000 } : { min: 100, max: 5_000 }
}

/**
 * What follows from an error, by the table of contract 10.5.
 *
 * @param isRefusal - whether the provider refused a credential that is renewed: its feeds have that reason then, and no cached error
 */
export const failureOf = (error: unknown, cacheMaxAgeMs: number, isRefusal = false): Failure => {
  if (error instanceof AdapterRateLimitError) {
    const { message, msUntilNextExecution: waitMs } = error
    return {
      response: { errorMessage: message, statusCode: TOO_MANY_REQUESTS, timestamps: NEVER },
      outage: { code: 'RATE_LIMITED', message },
      intervalMs: undefined,
      waitMs,
    }
  }
  const cause = memberOf(error, 'cause')
  const status = statusOf(cause)
  const intervalMs = intervalAfter(status, cacheMaxAgeMs)
  // RL-4: what is refused because its host fails has its reason with it.
  const outage = (error instanceof AdapterConnectionError && error.reason) || describeFailure(cause ?? error)
  if (isRefusal) {
    const message = `The data provider did not take the credential of a request: it answered with status ${status}`
    return { response: undefined, outage: { code: 'CREDENTIAL_REFUSED', message }, intervalMs, waitMs: 0 }
  }
  // A broken body is like no answer: only an error status is the provider's word, which replaces the last value.
  const broken = brokenAnswer(cause)
  const refused =
    broken?.class === 'decode' && ({ refused: isTooLarge(cause) ? 'too-large' : 'not-json' } as const)
  if (!(error instanceof AdapterDataProviderError) || status === undefined || broken !== undefined)
    return { response: undefined, outage, intervalMs, waitMs: 0, ...refused }
  const errorMessage = `Provider request failed with status ${status}: ${bodyOf(cause)}`
  return {
    response: { errorMessage, statusCode: 502, timestamps: error.timestamps },
    outage,
    intervalMs,
    waitMs: 0,
  }
}

/** Why an answer with a success status brought nothing: the adapter's code threw at it, with the provider's words or by mistake. */
export const unreadable = (
  response: unknown,
  error: unknown,
): Pick<Reason, 'code' | 'message' | 'class'> & {
  refused: 'provider-error' | 'not-json' | 'handler-failed'
} => {
  const said = wordsOf(error)
  if (said !== undefined) {
    const { text, class: kind } = said
    const message = redactText(text)
    return { refused: 'provider-error', code: 'PROVIDER_ERROR', message, ...(kind && { class: kind }) }
  }
  const code = 'PARSE_FAILED'
  if (isBrokenJson(response)) {
    const message =
      "The data provider's answer could not be read: it is no whole JSON, although it is said to be"
    return { refused: 'not-json', code, message }
  }
  const message = "The adapter's code that reads the data provider's answer failed"
  return { refused: 'handler-failed', code, message }
}
