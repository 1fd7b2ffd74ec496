import { type Socket } from 'node:net'
import { type FastifyInstance } from 'fastify'
import { type RunningChild } from './child'
import { readServerSettings } from '../../config/server-settings'
import { readServiceSettings } from '../../config/service-settings'
import { ProcessState } from '../../http/process-state'
import { buildServiceServer, host, wantedNames } from '../hosting'
import { stopInOrder } from '../stopping'
import { type ChildSpec, socketIn } from './control'
import { WorkerAdapters } from './worker-adapters'
import { WorkerViews } from './worker-views'

/**
 * A worker: a process that answers requests, from caches that follow the writer's. It takes connections only when they have once been equal to the
 * writer's: a worker that has no values yet must not take requests that another worker could answer.
 *
 * @throws ConfigError for bad settings; Error when no adapter at all could start
 */
export const startWorker = async ({
  directory,
  adapters: names,
}: ChildSpec & { role: 'worker' }): Promise<RunningChild> => {
  const service = readServiceSettings()
  const settings = readServerSettings()
  const adapters = new WorkerAdapters(socketIn(directory))
  const hosted = await host(names, service, {
    dependenciesOf: (adapter) => adapters.dependenciesOf(adapter),
    isWorking: false,
  })
  const preferredName = service.defaultAdapter ?? wantedNames(service)[0]
  const state = new ProcessState()
  const views = new WorkerViews(state, adapters.link, () => hosted.map(({ adapter }) => adapter))
  const app = await buildServiceServer(settings, hosted, preferredName, views)
  adapters.link.start()
  await adapters.link.synchronised
  const connection = await answering(app)
  state.watchEventLoop()
  state.serving()
  return {
    adapters: hosted.map(({ name }) => name),
    connection,
    stopping: () => state.stopping(),
    silent: (processes) => (state.silent = processes),
    stop: async () => {
      state.stopping()
      await stopInOrder({ server: app, adapters: hosted.map(({ adapter }) => adapter) }, [
        () => adapters.link.stop(),
        ...hosted.map(
          ({ started }) =>
            () =>
              started.stop(),
        ),
      ])
    },
  }
}

/** Makes a server ready for connections that another process has accepted. @returns what takes one */
const answering = async (app: FastifyInstance): Promise<(socket: Socket) => void> => {
  const { server } = app
  await app.ready()
  // It does not listen, but begins to watch over the times of requests when it is told that it does.
  server.emit('listening')
  return (socket) => {
    socket.allowHalfOpen = true
    server.emit('connection', socket)
  }
}
