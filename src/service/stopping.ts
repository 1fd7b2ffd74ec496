import { type ProcessState } from '../http/process-state'
import { makeLogger } from '../util/logging'
import { sleep } from '../util/sleep'

const logger = makeLogger('Main')

/**
 * How long stopping waits for running requests, and after that for providers to confirm a close. The sum must be less than the ten seconds
 * after which Docker kills a process.
 */
const REQUESTS_PATIENCE_MS = 5_000
export const CONNECTIONS_PATIENCE_MS = 3_000

type Steps = (() => unknown)[]

/** Runs all steps at once and waits for them, at most this long. Never rejects: stopping goes on even if a step fails. */
export const settledWithin = async (ms: number, work: Steps): Promise<void> => {
  const patience = new AbortController()
  const settled = Promise.allSettled(work.map(async (one) => one())).then(() => patience.abort())
  await Promise.race([settled, sleep(ms, patience.signal)])
}

/** Stops what answers requests. The requests come first, so that one that waits for its first price can still get it. */
export const stopInOrder = async (requests: Steps, connections: Steps): Promise<void> => {
  await settledWithin(REQUESTS_PATIENCE_MS, requests)
  await settledWithin(CONNECTIONS_PATIENCE_MS, connections)
}

/** Goes on as before for a while, so that whoever sends requests here finds out first that this process stops. */
export const drain = async (state: ProcessState, ms: number): Promise<void> => {
  state.stopping()
  if (ms > 0) await sleep(ms)
}

/**
 * Handles SIGTERM and SIGINT for all that the process has to stop. While there is anything to stop, these signals do not end the process
 * directly.
 */
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
 * Calls `stop` on SIGTERM or SIGINT and then exits with 0. A second signal ends the process at once with 1 (LC-3).
 *
 * @returns call this when it has been stopped in another way
 */
export const stopOnSignals = (stop: () => Promise<void>): (() => void) => signals.add(stop)
