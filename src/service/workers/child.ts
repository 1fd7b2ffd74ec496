import { setupMetrics } from '../../metrics/registry'
import { renderMetrics } from '../../metrics/render'
import { makeLogger } from '../../util/logging'
import { messageOf } from '../../util/objects'
import { warmUpTicks } from '../../util/warm-up'
import { type ChildSpec, SupervisorChannel } from './control'
import { startWorker } from './worker'
import { startWriter } from './writer'

const logger = makeLogger('Service')

/** What a process of a service of several does, once it has started. */
export interface RunningChild {
  adapters: string[]
  url?: string
  stop: () => Promise<void>
  /** What is left to do for the one whose supervisor ended without a word. */
  abandon?: () => void
}

/**
 * Runs what a supervisor started this process as, and ends when it says so or is no more. Signals are for the supervisor alone: a
 * terminal and a service manager send them to all processes, and the writer has to outlive the requests that wait for it.
 */
export const runChild = async (spec: ChildSpec): Promise<void> => {
  let running: RunningChild | undefined
  let isStopping = false
  const stop = (isAbandoned: boolean) => {
    if (isStopping) return
    isStopping = true
    void (running?.stop() ?? Promise.resolve()).finally(() => {
      if (isAbandoned) running?.abandon?.()
      process.exit(0)
    })
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  setupMetrics('TICKWELL', { process: spec.name })
  const channel = new SupervisorChannel({
    stop: () => stop(false),
    gone: () => {
      logger.error('The supervisor is gone: stopping')
      stop(true)
    },
    metrics: renderMetrics,
  })
  try {
    running = spec.role === 'writer' ? await startWriter(spec) : await startWorker(spec)
    warmUpTicks()
    channel.tell({ type: 'ready', adapters: running.adapters, url: running.url })
  } catch (error) {
    channel.tell({ type: 'failed', message: messageOf(error) })
  }
}
