import { metrics } from '../metrics/registry'
import { LogLimiter } from '../util/log-limiter'
import { asyncLocalStorage, makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { OwnedStore, ownerByStack } from '../util/owner'
import { type StartedAdapter } from './started-adapter'

const logger = makeLogger('Main')

/** Whatever it is: an author may throw anything. */
const textOf = (thrown: unknown): string => {
  try {
    return messageOf(thrown)
  } catch {
    return 'something that has no text'
  }
}

/** How a throw reached the process. */
export type Late = 'rejection' | 'exception'

const NAMES = { rejection: 'Unhandled rejection', exception: 'Uncaught exception' } as const

/**
 * What adapters throw when nobody hears it any more: a promise without a handler, or an exception in a timer or a listener of their own. It
 * costs the adapter whose it is (IS-4); where none can be named it is logged and counted, and the process goes on (IS-2).
 */
export class LateThrows {
  private readonly adapters = new Set<StartedAdapter>()
  private readonly problems = new LogLimiter()

  add(adapter: StartedAdapter): void {
    this.adapters.add(adapter)
  }

  remove(adapter: StartedAdapter): void {
    this.adapters.delete(adapter)
  }

  /** Call it in the event's listener itself, in which Node has set the store of the code that has thrown. */
  hear(thrown: unknown, how: Late): void {
    const owner = this.ownerOf(thrown)
    const name = owner?.adapter.name
    metrics
      .getMetricsDefinition()
      ?.lateThrows.labels({ app_name: name ?? '', kind: how })
      .inc()
    const text = `${NAMES[how]}: ${textOf(thrown)}`
    if (owner === undefined) {
      this.problems.run(text, (repeated) => logger.error({ err: thrown, repeated }, text))
      return
    }
    // One that waits to begin again already has nothing more to lose.
    if (owner.restart(text)) logger.error({ err: thrown, adapter: name }, `${text}: ${name} is restarted`)
  }

  private ownerOf(thrown: unknown): StartedAdapter | undefined {
    const adapters = [...this.adapters]
    const name = OwnedStore.ownerIn(asyncLocalStorage.getStore())
    if (name !== undefined) return adapters.find(({ adapter }) => adapter.name === name)
    const homes = adapters.flatMap((one) => {
      const { home } = one.adapter
      return home === undefined ? [] : [[one, home] as const]
    })
    return ownerByStack(thrown, homes)
  }
}
