/** Symbols that the provider has not answered for are asked for again after this long. */
const UNANSWERED_MS = 15_000
/** Refused ones too: they may be listed later. Shorter than a response lives, so that the refusal stays known meanwhile. */
const REFUSED_MS = 60_000

interface Request {
  state: 'asked' | 'accepted' | 'refused'
  sinceMs: number
  attempts: number
}

/** What we asked a provider for on one connection, by its own symbols, and how it answered (SB-3). */
export class Answers {
  private readonly requests = new Map<string, Request>()

  /** A new connection: nothing has been asked for yet. */
  clear(): void {
    this.requests.clear()
  }

  asked(symbol: string, now: number): void {
    const attempts = (this.requests.get(symbol)?.attempts ?? 0) + 1
    this.requests.set(symbol, { state: 'asked', sinceMs: now, attempts })
  }

  accepted(symbol: string, now: number): void {
    this.answer(symbol, 'accepted', now)
  }

  /** @returns false for a symbol that is not asked for: its refusal concerns nobody */
  refused(symbol: string, now: number): boolean {
    return this.answer(symbol, 'refused', now)
  }

  /** @returns whether the provider may know it, so that an unsubscribe has something to end */
  forget(symbol: string): boolean {
    const request = this.requests.get(symbol)
    this.requests.delete(symbol)
    return request !== undefined && request.state !== 'refused'
  }

  isUnanswered(symbol: string): boolean {
    return this.requests.get(symbol)?.state === 'asked'
  }

  /** Symbols that were asked for once and have no answer. */
  unansweredOnce(): string[] {
    return this.where(({ state, attempts }) => state === 'asked' && attempts === 1)
  }

  /** Symbols that it is time to ask for again. */
  due(now: number): string[] {
    return this.where(({ state, sinceMs }) => {
      if (state === 'accepted') return false
      return now - sinceMs >= (state === 'asked' ? UNANSWERED_MS : REFUSED_MS)
    })
  }

  private where(matches: (request: Request) => boolean): string[] {
    return [...this.requests].filter(([, request]) => matches(request)).map(([symbol]) => symbol)
  }

  private answer(symbol: string, state: 'accepted' | 'refused', now: number): boolean {
    const request = this.requests.get(symbol)
    if (request === undefined) return false
    request.state = state
    request.sinceMs = now
    request.attempts = 0
    return true
  }
}
