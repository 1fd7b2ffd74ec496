import { type Socket } from 'node:net'
import { readServerSettings } from '../../config/server-settings'
import { type SilentProcess } from '../../http/process-state'
import { instanceLabel, setupMetrics } from '../../metrics/registry'
import { renderedMetrics } from '../../metrics/render'
import { makeLogger } from '../../util/logging'
import { messageOf } from '../../util/objects'
import { type ChildSpec, type Page, type PageAnswer, SupervisorChannel } from './control'
import { startWorker } from './worker'
import { startWriter } from './writer'

const logger = makeLogger('Service')

/** A process of a service of several, after it has started. */
export interface RunningChild {
  adapters: string[]
  stop: () => Promise<void>
  /** Cleans up in place of the supervisor, when that has ended without stopping this process. */
  abandon?: () => void
  /** The service stops: from now on it is not ready. */
  stopping: () => void
  /** Answers a client on this connection. */
  connection?: (socket: Socket) => void
  /** Those of the service's processes that do not answer now. */
  silent: (processes: SilentProcess[]) => void
  /** Answers on the port for operators, which is the supervisor's. */
  page?: (page: Page) => Promise<PageAnswer>
}

const NO_PAGE: PageAnswer = { statusCode: 503, type: 'text/plain; charset=utf-8', text: 'Not started yet' }

/**
 * Runs this process in the role that the supervisor gave it. It ends when the supervisor says so, or has itself ended. Signals are ignored,
 * because terminals and service managers send them to all processes: only the supervisor acts on them, and it ends the writer after the
 * workers, whose requests may wait for it.
 */
export const runChild = async (spec: ChildSpec): Promise<void> => {
  let running: RunningChild | undefined
  let isStopping = false
  let isAbandoned = false
  const stop = () => {
    if (isStopping) return
    isStopping = true
    void (running?.stop() ?? Promise.resolve()).finally(() => {
      if (isAbandoned) running?.abandon?.()
      process.exit(0)
    })
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  setupMetrics('TICKWELL', { process: spec.name, ...instanceLabel(readServerSettings().INSTANCE) })
  const channel = new SupervisorChannel({
    stopping: () => running?.stopping(),
    stop,
    gone: () => {
      logger.error('The supervisor is gone: stopping')
      isAbandoned = true
      stop()
    },
    metrics: renderedMetrics,
    page: async (page) => (await running?.page?.(page)) ?? NO_PAGE,
    connection: (socket) => {
      if (running?.connection === undefined) socket.destroy()
      else running.connection(socket)
    },
    silent: (processes) => running?.silent(processes),
  })
  try {
    running = spec.role === 'writer' ? await startWriter(spec) : await startWorker(spec)
    channel.tell({ type: 'ready', adapters: running.adapters })
  } catch (error) {
    channel.tell({ type: 'failed', message: messageOf(error) })
  }
}
