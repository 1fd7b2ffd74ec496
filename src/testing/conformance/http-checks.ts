import { answers } from '../http-answer'
import { type Check, tried } from './check'
import { expectError, expectThat } from './expectations'

const HTTP = ['http'] as const
const SECOND_MS = 1_000
/** A timer may fire so much before its time, by another clock. */
const EARLY_MS = 10
/** With two in a second and a first pair at any moment, the fifth is a second later at the least. */
const PER_SECOND = 2
const FIFTH = 5

/** What only those must pass that ask for their prices. */
export const httpChecks: Readonly<Record<'limit' | 'retry-after' | 'cut-body', Check>> = {
  limit: {
    kinds: HTTP,
    env: { RATE_LIMIT_CAPACITY_SECOND: String(PER_SECOND) },
    run: tried(async (trial) => {
      const { provider } = trial.http
      await trial.post(trial.first)
      await provider.requested(FIFTH)
      const tookMs = provider.requests[FIFTH - 1]!.atMs - trial.startedMs
      expectThat(
        tookMs >= SECOND_MS - EARLY_MS,
        `${FIFTH} requests in a second at the least, with ${PER_SECOND} in a second allowed`,
        `them in ${tookMs} ms`,
      )
    }),
  },

  'retry-after': {
    kinds: HTTP,
    run: tried(async (trial) => {
      const { provider } = trial.http
      await trial.serves(trial.first, 100)
      const { length: count } = provider.requests
      provider.answerNext(answers.tooManyRequests(1))
      await provider.requested(count + 2)
      const waitedMs = provider.requests[count + 1]!.atMs - provider.requests[count]!.atMs
      expectThat(waitedMs >= SECOND_MS - EARLY_MS, 'no request for a second', `one after ${waitedMs} ms`)
      trial.quote(trial.first, 101)
      await trial.serves(trial.first, 101)
    }),
  },

  'cut-body': {
    kinds: HTTP,
    run: tried(async (trial) => {
      trial.http.spoil = (answer) => ({ ...answer, fate: 'cut' })
      expectError(await trial.named(trial.first), 'of an answer that is cut off')
      trial.http.spoil = undefined
      await trial.serves(trial.first, 100)
    }),
  },
}
