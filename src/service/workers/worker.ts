import { type RunningChild } from './child'
import { readServerSettings } from '../../config/server-settings'
import { readServiceSettings } from '../../config/service-settings'
import { ProcessState } from '../../http/process-state'
import { buildServiceServer, host, wantedNames } from '../hosting'
import { listen } from '../listening'
import { drain, stopInOrder } from '../stopping'
import { type ChildSpec, socketIn } from './control'
import { WorkerAdapters } from './worker-adapters'
import { WorkerViews } from './worker-views'

/**
 * A worker: a process that answers requests, from caches that follow the writer's. It listens only when they have once been equal to the
 * writer's: a worker that has no values yet must not take requests that another worker could answer.
 *
 * @throws ConfigError for bad settings; Error when no adapter at all could start, or the port is taken
 */
export const startWorker = async ({
  directory,
  adapters: names,
}: ChildSpec & { role: 'worker' }): Promise<RunningChild> => {
  const service = readServiceSettings()
  const settings = readServerSettings()
  const adapters = new WorkerAdapters(socketIn(directory))
  const hosted = await host(names, service, (adapter) => adapters.dependenciesOf(adapter))
  const preferredName = service.defaultAdapter ?? wantedNames(service)[0]
  const state = new ProcessState()
  const views = new WorkerViews(state, adapters.link, () => hosted.map(({ adapter }) => adapter))
  const app = await buildServiceServer(settings, hosted, preferredName, views)
  adapters.link.start()
  await adapters.link.synchronised
  const url = await listen(app, {
    host: settings.EA_HOST,
    port: settings.EA_PORT,
    portVariable: 'EA_PORT',
  })
  state.watchEventLoop()
  state.serving()
  return {
    adapters: hosted.map(({ name }) => name),
    url,
    stop: async () => {
      await drain(state, settings.STOP_DRAIN_MS)
      await stopInOrder(
        { server: app, adapters: hosted.map(({ adapter }) => adapter) },
        [
          () => adapters.link.stop(),
          ...hosted.map(
            ({ started }) =>
              () =>
                started.stop(),
          ),
        ],
      )
    },
  }
}
