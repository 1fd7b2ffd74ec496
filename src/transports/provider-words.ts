import { beginningOf } from '../util/redaction'
import { AdapterError, AdapterRateLimitError } from '../validation/errors'
import { classOfStatus, classOfWords, type Reason, type ReasonClass } from '../validation/reason'

const MAX_CHARACTERS = 300

type Said = Pick<Reason, 'sinceUnixMs' | 'class'> & { text: string }

/** What an error that an author's handler throws says in the provider's name; undefined for any other error, which is a bug. */
export const wordsOf = (error: unknown): Omit<Said, 'sinceUnixMs'> | undefined => {
  if (!(error instanceof AdapterError)) return undefined
  const { message: text, providerStatusCode, statusCode } = error
  const isQuota = error instanceof AdapterRateLimitError
  const kind = isQuota ? 'quota' : (classOfStatus(providerStatusCode ?? statusCode) ?? classOfWords(text))
  return { text, ...(kind && { class: kind }) }
}

/**
 * What a provider says against what we asked, without naming a feed: a limit, a missing right, a message that it does not understand. As
 * long as it has acknowledged nothing on its connection, that concerns all who wait; afterwards it may be about anything. It outlives the
 * connection, because providers often say it and hang up.
 */
export class ProviderWords {
  /** Whether something has been acknowledged on the connection in use. */
  isHeard = false
  private said: Said | undefined

  /** A connection has ended: on the next one nothing is acknowledged yet. */
  begin(): void {
    this.isHeard = false
  }

  /** @param kind - where the words do not tell it */
  say(text: string, kind?: ReasonClass): void {
    if (this.isHeard) return
    const shown = beginningOf(text, MAX_CHARACTERS, '')
    const sinceUnixMs = this.said?.text === shown ? this.said.sinceUnixMs : Date.now()
    const known = kind ?? classOfWords(shown)
    this.said = { text: shown, sinceUnixMs, ...(known && { class: known }) }
  }

  acknowledge(): void {
    this.isHeard = true
    this.said = undefined
  }

  /** A reason with what was said, or that alone. */
  in(reason: Reason | undefined): Reason | undefined {
    const { said } = this
    if (said === undefined) return reason
    const { text, sinceUnixMs, class: kind } = said
    const message = `${reason === undefined ? 'T' : `${reason.message}; t`}he provider says: ${text}`
    return { code: 'PROVIDER_ERROR', sinceUnixMs, ...reason, message, ...(kind && { class: kind }) }
  }
}
