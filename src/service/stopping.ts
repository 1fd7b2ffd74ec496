import { type FastifyInstance } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { type ProcessState } from '../http/process-state'
import { makeLogger } from '../util/logging'
import { sleep } from '../util/sleep'

const logger = makeLogger('Main')

/**
 * How long stopping waits for running requests, and after that for providers to confirm a close. The sum must be less than the ten seconds
 * after which Docker kills a process.
 */
const REQUESTS_PATIENCE_MS = 5_000
/** Before that, waits for a value are ended, and after them whatever else has not been answered. */
const ANSWERED_WITHIN_MS = 3_800
const REFUSED_WITHIN_MS = 4_700
/** How long a server without connections may take to close. */
const CLOSING_PATIENCE_MS = 500
export const CONNECTIONS_PATIENCE_MS = 3_000

type Steps = (() => unknown)[]

const isSettledWithin = async (ms: number, work: Promise<unknown>): Promise<boolean> => {
  const patience = new AbortController()
  const settled = work.then(() => patience.abort())
  await Promise.race([settled, sleep(ms, patience.signal)])
  return patience.signal.aborted
}

/** Runs all steps at once and waits for them, at most this long. Never rejects: stopping goes on even if a step fails. */
export const settledWithin = async (ms: number, work: Steps): Promise<void> => {
  await isSettledWithin(ms, Promise.allSettled(work.map(async (one) => one())))
}

/** What answers requests. */
interface Answering {
  server: FastifyInstance | undefined
  /** Those whose requests may wait for a first value. */
  adapters: Iterable<AnyAdapter>
}

/** Stops what answers requests. The requests come first, so that one that waits for its first price can still get it. */
export const stopInOrder = async ({ server, adapters }: Answering, connections: Steps): Promise<void> => {
  if (server !== undefined) {
    await lastAnswers(server, [
      [ANSWERED_WITHIN_MS, () => [...adapters].forEach((adapter) => adapter.endWaits())],
      [REFUSED_WITHIN_MS, () => server.openConnections.answerRest()],
    ])
    await settledWithin(CLOSING_PATIENCE_MS, [() => server.close()])
  }
  await settledWithin(CONNECTIONS_PATIENCE_MS, connections)
}

/** Ends a server on which nobody waits for a value. */
export const endServer = async (server: FastifyInstance | undefined): Promise<void> => {
  if (server === undefined) return
  await lastAnswers(server, [])
  await server.close()
}

/**
 * Answers what has come, and ends the connections (LC-3).
 *
 * @param remedies - what is done when that is not over so long after the beginning
 */
const lastAnswers = async (
  { openConnections }: FastifyInstance,
  remedies: readonly [afterMs: number, remedy: () => void][],
): Promise<void> => {
  const ended = openConnections.end()
  let passedMs = 0
  for (const [afterMs, remedy] of [
    ...remedies,
    [REQUESTS_PATIENCE_MS, () => openConnections.cut()] as const,
  ]) {
    if (await isSettledWithin(afterMs - passedMs, ended)) return
    passedMs = afterMs
    remedy()
  }
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
