import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type AdapterReadiness, type FreshShare } from '../adapter/readiness'
import { redactStrings } from '../util/redaction'
import { answered, type Reason } from '../validation/reason'
import { type ProcessState, type SilentProcess } from './process-state'
import { type ReadyAnswer } from './ready-answer'

const MAX_SHOWN = 100

/** What is known of the feeds of all adapters. */
export interface FeedsReadiness {
  adapters: AdapterReadiness[]
  /** Why the writer was not asked, in a worker. */
  writer?: Reason | undefined
}

type Shown = ReadyAnswer['endpoints'][number]

const shareOf = ({ wanted, fresh }: FreshShare): number => (wanted === 0 ? 1 : fresh / wanted)

const shown = (share: FreshShare, minShare: number): Shown => ({
  ...share,
  ...(share.wanted > 0 && { share: Math.floor(shareOf(share) * 10_000) / 10_000 }),
  ...(minShare > 0 && { minShare }),
})

const named = ({ feed, reason }: AdapterReadiness['missing'][number]) => ({ feed, reason: answered(reason) })

/** Whether requests should be sent to this process. */
export const readyAnswer = (
  phase: ProcessState['phase'],
  { adapters, writer }: FeedsReadiness,
  silent: readonly SilentProcess[] = [],
): ReadyAnswer => {
  const missing = adapters.flatMap((one) => one.missing)
  const isShort = adapters.some(({ shares, minShare }) => shares.some((one) => shareOf(one) < minShare))
  const feeds = adapters.reduce((sum, { essential }) => sum + essential, 0)
  const all = adapters.flatMap(({ shares, minShare }) => shares.map((share) => ({ share, minShare })))
  all.sort((a, b) => shareOf(a.share) - shareOf(b.share))
  const judged = missing.length > 0 || isShort ? 'not-ready' : 'ready'
  return redactStrings({
    status: phase === 'serving' ? judged : phase,
    essential: { feeds, fresh: feeds - missing.length, missing: missing.slice(0, MAX_SHOWN).map(named) },
    endpoints: all.slice(0, MAX_SHOWN).map(({ share, minShare }) => shown(share, minShare)),
    ...(writer && { writer: answered(writer) }),
    ...(silent.length > 0 && {
      silent: silent.map(({ process, sinceUnixMs }) => ({ process, sinceUnixMs })),
    }),
  })
}

/** `GET <BASE_URL>/ready`: 503 while requests should not be sent here. */
export const addReady = (
  app: FastifyInstance,
  baseUrl: string,
  state: ProcessState,
  look: () => Promise<FeedsReadiness>,
): void => {
  app.get(posix.join(baseUrl, 'ready'), async (_req, reply): Promise<ReadyAnswer> => {
    const feeds = await look()
    const answer = readyAnswer(state.phase, feeds, state.silent)
    if (answer.status !== 'ready') reply.code(503)
    return answer
  })
}
