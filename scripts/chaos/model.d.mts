/** See `model.mjs`. Times are the world's, in Unix ms. */
export interface Rule {
  maxAgeMs: number
  hardMaxAgeMs?: number
  futureMs: number
}

export interface Answer {
  feed: string
  askedMs: number
  answeredMs: number
  status: number
  result?: unknown
  asOf?: number | undefined
  reason?: string | undefined
  reader?: number
}

export class Model {
  constructor(rules: Record<string, Rule>)
  connected(endpoint: string, line: number): void
  retired(endpoint: string, line: number): void
  ended(endpoint: string, line: number): void
  sent(
    feed: string,
    of: { number?: number | undefined; asOf?: number | undefined; line: number; atMs: number },
  ): void
  confirmed(feed: string, line: number, atMs: number): void
  disturbed(atMs: number): void
  slept(fromMs: number, untilMs: number): void
  reborn(byMs: number): void
  judge(answer: Answer): string[]
  isSince(answer: Answer, atMs: number): boolean
}
