import { isObject } from '../util/objects'
import { beginningOf } from '../util/redaction'
import { answered, classOfStatus, type Reason } from '../validation/reason'
import { isOfOurs } from './answerable'
import { type Feed } from './feed'
import { type AdapterResponse } from './responses'

/** Whether answers say why. One object for all caches of an endpoint; off where adapters' tests compare whole bodies (contract 16.6). */
export interface ReasonSwitch {
  areGiven: boolean
}

/** Nobody reads more. An author may put a whole page of his provider into an error. */
const MAX_CHARACTERS = 512

const isReason = (value: unknown): value is Reason =>
  isObject(value) && typeof value['code'] === 'string' && typeof value['message'] === 'string'

/** Why an error is one, by what it says itself. It has no other cause where an author's handler, or another process, made it. */
export const reasonIn = ({ errorMessage, statusCode, timestamps }: Readonly<AdapterResponse>): Reason => {
  const text = String(errorMessage)
  const message = beginningOf(text, MAX_CHARACTERS)
  const sinceUnixMs = timestamps?.providerDataReceivedUnixMs || Date.now()
  if (isOfOurs(text)) return { code: 'PARSE_FAILED', message, sinceUnixMs, class: 'internal' }
  const kind = classOfStatus(statusCode)
  return { code: 'PROVIDER_ERROR', message, sinceUnixMs, ...(kind && { class: kind }) }
}

/** The reason that an error carries; undefined where it carries none, or its author has a member of that name for something else. */
export const reasonBeside = (response: Readonly<AdapterResponse>): Reason | undefined =>
  'reason' in response && isReason(response.reason) ? response.reason : undefined

const isMute = (response: Readonly<AdapterResponse>): boolean =>
  typeof response.errorMessage === 'string' && !('reason' in response)

/** An error with this reason beside it. */
export const withIt = <R extends object>(response: R, reason: Reason): R => {
  // Last, so that the rest is as it is without.
  const others = Object.entries(response).filter(([name]) => name !== 'reason')
  return Object.fromEntries([...others, ['reason', answered(reason)]]) as R
}

/** An answer with its reason: where an error has none yet, the one that its own words and status give. The same object for all others. */
export const told = <R extends Readonly<AdapterResponse>>(response: R): R =>
  isMute(response) ? withIt(response, reasonIn(response)) : response

/**
 * An error as it is stored, with its reason. It is so since the first error after the last value.
 *
 * @param response - newly made by us, with the cause where the transport knows it
 * @param feed - keeps the reason; undefined where several sources have the feed, each with causes of its own
 */
export const withReason = <R extends AdapterResponse>(response: R, feed: Feed | undefined): R => {
  const given = reasonBeside(response)
  if (given === undefined && !isMute(response)) return response
  const reason = given ?? reasonIn(response)
  const sinceUnixMs = feed?.error?.sinceUnixMs ?? reason.sinceUnixMs
  const kept = { ...reason, sinceUnixMs }
  if (feed !== undefined) feed.error = kept
  return withIt(response, kept)
}

/** One reason for several sources that have no value: that of the first which is in trouble, with what each of them says. */
export const commonReason = (
  sources: readonly { name: string; reason: Reason }[],
  isFirst: (reason: Reason) => boolean = () => true,
): Reason | undefined => {
  const first = sources.find(({ reason }) => isFirst(reason)) ?? sources[0]
  if (first === undefined) return undefined
  const { code, class: kind } = first.reason
  const message = sources.map(({ name, reason }) => `${name}: ${reason.message}`).join('; ')
  const sinceUnixMs = Math.max(...sources.map(({ reason }) => reason.sinceUnixMs))
  const nexts = sources.flatMap(({ reason }) => reason.nextAttemptUnixMs ?? [])
  return {
    code,
    message,
    sinceUnixMs,
    ...(kind && { class: kind }),
    ...(nexts.length > 0 && { nextAttemptUnixMs: Math.min(...nexts) }),
  }
}
