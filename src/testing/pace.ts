import { type AnyAdapter } from '../adapter/adapter'
import { Waiters } from '../feeds/waiters'
import { wakeSignalOf } from '../transports/capabilities'
import { sleep } from '../util/sleep'

/**
 * contract 16.6, 16.13: what adapters' tests recorded on a fake clock has the times at which the reference connects, subscribes and answers.
 * Its loops sleep their whole intervals and its requests look at the cache now and again, so under such a clock ours do that too, until
 * the adapter stops.
 */
export const keepPace = (adapter: AnyAdapter): void => {
  const transports = adapter.endpoints.flatMap(({ transportRoutes }) =>
    transportRoutes.entries().map(([, transport]) => transport),
  )
  const signals = transports.map(wakeSignalOf).filter((signal) => signal !== undefined)
  for (const signal of signals) signal.isMuted = true
  adapter.shutdownNotifier.once('onClose', () => {
    for (const signal of signals) signal.isMuted = false
  })
}

/** Waiters that nobody wakes once they keep pace: whoever waits looks for himself when his pause is over. */
export class PacedWaiters extends Waiters<unknown> {
  keepsPace = false

  override async wait(key: string, timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    if (!this.keepsPace) return super.wait(key, timeoutMs, signal)
    await sleep(timeoutMs, signal)
    return undefined
  }
}
