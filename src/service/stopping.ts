import { makeLogger } from '../util/logging'
import { sleep } from '../util/sleep'

const logger = makeLogger('Main')

/** How long stopping waits for running requests, and then for providers to confirm a close. Together less than Docker's ten seconds. */
const REQUESTS_PATIENCE_MS = 5_000
export const CONNECTIONS_PATIENCE_MS = 3_000

type Steps = (() => unknown)[]

/** Never rejects: stopping goes on, whatever fails to. */
export const settledWithin = async (ms: number, work: Steps): Promise<void> => {
  const patience = new AbortController()
  const settled = Promise.allSettled(work.map(async (one) => one())).then(() => patience.abort())
  await Promise.race([settled, sleep(ms, patience.signal)])
}

/** The one way to stop what answers requests. Requests first: one that waits for its first price still gets it. */
export const stopInOrder = async (requests: Steps, connections: Steps): Promise<void> => {
  await settledWithin(REQUESTS_PATIENCE_MS, requests)
  await settledWithin(CONNECTIONS_PATIENCE_MS, connections)
}

/** The signals that ask a process to stop, and what it has to stop then: as long as there is something, they do not just end it. */
class StopSignals {
  private readonly stops = new Set<() => Promise<void>>()
  private isStopping = false

  add(stop: () => Promise<void>): () => void {
    if (this.stops.size === 0)
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, this.heard)
    this.stops.add(stop)
    return () => this.remove(stop)
  }

  private remove(stop: () => Promise<void>): void {
    this.stops.delete(stop)
    if (this.stops.size > 0 || this.isStopping) return
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, this.heard)
  }

  private readonly heard = (signal: NodeJS.Signals): void => {
    if (this.isStopping) process.exit(1)
    this.isStopping = true
    logger.info(`${signal}: stopping`)
    void Promise.allSettled([...this.stops].map((stop) => stop())).then(() => process.exit(0))
  }
}

const signals = new StopSignals()

/**
 * Stops on SIGTERM or SIGINT, and exits with 0 then; a second signal ends the process at once, with 1 (LC-3).
 *
 * @returns what to call when it has been stopped in another way
 */
export const stopOnSignals = (stop: () => Promise<void>): (() => void) => signals.add(stop)
