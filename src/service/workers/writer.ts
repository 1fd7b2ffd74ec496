import { rmSync } from 'node:fs'
import { type RunningChild } from './child'
import { readServiceSettings } from '../../config/service-settings'
import { host, wantedNames, warnOfSettings } from '../hosting'
import { CONNECTIONS_PATIENCE_MS, settledWithin } from '../stopping'
import { type ChildSpec, socketIn } from './control'
import { WriterAdapters } from './writer-adapters'

/**
 * The writer: the process that has the connections to providers. It sends the workers what providers say, and subscribes what the workers
 * want. It serves no requests.
 *
 * @throws ConfigError for bad settings; Error when no adapter at all could start
 */
export const startWriter = async ({ directory }: ChildSpec & { role: 'writer' }): Promise<RunningChild> => {
  const service = readServiceSettings()
  const names = wantedNames(service)
  const adapters = new WriterAdapters()
  const hosted = await host(names, service, (adapter) => adapters.dependenciesOf(adapter))
  warnOfSettings(hosted, service.defaultAdapter ?? names[0])
  await adapters.listen(socketIn(directory))
  for (const { started } of hosted) started.execute()
  return {
    adapters: hosted.map(({ name }) => name),
    stop: async () => {
      adapters.stop()
      await settledWithin(
        CONNECTIONS_PATIENCE_MS,
        hosted.map(
          ({ started }) =>
            () =>
              started.stop(),
        ),
      )
    },
    // The supervisor would have removed the directory, but it has ended.
    abandon: () => rmSync(directory, { recursive: true, force: true }),
  }
}
