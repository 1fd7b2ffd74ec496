import { type Adapter } from '../adapter/adapter'
import { type LocalCache } from '../cache/local-cache'
import { Waiters } from '../cache/waiters'
import { wakeSignalOf } from '../transports/capabilities'
import { sleep } from '../util/sleep'

/**
 * contract 16.6, 16.13: what adapters' tests recorded on a fake clock has the times at which the reference connects, subscribes and answers.
 * Its loops sleep their whole intervals and its requests look at the cache now and again, so under such a clock ours do that too, until
 * the adapter stops.
 */
export const keepPace = (adapter: Adapter): void => {
  const transports = adapter.endpoints.flatMap(({ transportRoutes }) =>
    transportRoutes.entries().map(([, transport]) => transport),
  )
  const signals = transports.map(wakeSignalOf).filter((signal) => signal !== undefined)
  for (const signal of signals) signal.isMuted = true
  adapter.shutdownNotifier.once('onClose', () => {
    for (const signal of signals) signal.isMuted = false
  })
}

/** Waiters that look at the cache after every pause instead of being woken, once they were told a pause. */
export class PacedWaiters extends Waiters<unknown> {
  pauseMs: number | undefined

  constructor(private readonly cache: LocalCache) {
    super()
  }

  override async wait(key: string, timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    const { pauseMs } = this
    if (pauseMs === undefined) return super.wait(key, timeoutMs, signal)
    // contract 17.10: after the last look there is one more pause
    for (let waitedMs = pauseMs; waitedMs <= timeoutMs; waitedMs += pauseMs) {
      await sleep(pauseMs, signal)
      if (waitedMs === timeoutMs || signal?.aborted) return undefined
      const entry = this.cache.read(key)
      if (entry !== undefined) return entry.value
    }
    return undefined
  }
}
