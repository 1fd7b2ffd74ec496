import { type AnyAdapter } from '../adapter/adapter'
import { Waiters } from '../feeds/waiters'
import { wakeSignalOf } from '../transports/capabilities'
import { sleep } from '../util/sleep'

/**
 * contract 16.6, 16.13: adapters' tests on a fake clock have recorded the times at which the reference connects, subscribes and answers.
 * Its loops sleep for whole intervals, and its requests poll the cache. With such a clock ours do the same, until the adapter stops.
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

/** While `keepsPace` is set, a write wakes no waiter: each looks into the cache again when its pause is over. */
export class PacedWaiters extends Waiters<unknown> {
  keepsPace = false

  override async wait(key: string, timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    if (!this.keepsPace) return super.wait(key, timeoutMs, signal)
    await sleep(timeoutMs, signal)
    return undefined
  }
}
