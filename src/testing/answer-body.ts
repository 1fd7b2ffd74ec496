import { isObject } from '../util/objects'
import { type Reply } from './serve'

/** What an answer may have that is looked at here. Nothing is sure: it is what is tested. */
export interface AnswerBody {
  result?: unknown
  errorMessage?: unknown
  error?: { message?: unknown; reason?: { code?: unknown } }
  timestamps?: { providerIndicatedTimeUnixMs?: unknown; providerDataReceivedUnixMs?: unknown }
}

export const bodyOf = ({ json }: Reply): AnswerBody => (isObject(json) ? json : {})

export const reasonOf = (reply: Reply): unknown => bodyOf(reply).error?.reason?.code
