import { rmSync } from 'node:fs'
import { type RunningChild } from './child'
import { readServiceSettings } from '../../config/service-settings'
import { readServerSettings } from '../../config/server-settings'
import { ProcessState } from '../../http/process-state'
import { ownViews } from '../../http/views'
import { buildServiceAdmin, host, wantedNames, sayWhatRuns, warnOfSettings } from '../hosting'
import { CONNECTIONS_PATIENCE_MS, settledWithin } from '../stopping'
import { type ChildSpec, type Page, type PageAnswer, socketIn } from './control'
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
  const state = new ProcessState()
  const adapters = new WriterAdapters(state)
  const hosted = await host(names, service, {
    dependenciesOf: (adapter) => adapters.dependenciesOf(adapter),
  })
  warnOfSettings(hosted, service.defaultAdapter ?? names[0])
  sayWhatRuns(hosted)
  await adapters.listen(socketIn(directory))
  for (const { started } of hosted) started.execute()
  state.watchEventLoop()
  state.serving()
  const settings = readServerSettings()
  const views = ownViews(
    hosted.map(({ adapter }) => adapter),
    state,
  )
  const admin =
    settings.ADMIN_PORT === undefined
      ? undefined
      : buildServiceAdmin(settings, hosted, service.defaultAdapter ?? names[0], views)
  return {
    ...(admin && { page: (page: Page) => pageOf(admin, page) }),
    adapters: hosted.map(({ name }) => name),
    stopping: () => state.stopping(),
    silent: (processes) => (state.silent = processes),
    stop: async () => {
      state.stopping()
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

const pageOf = async (
  admin: ReturnType<typeof buildServiceAdmin>,
  { method, url, authorization, type, body }: Page,
): Promise<PageAnswer> => {
  const { statusCode, headers, payload } = await admin.inject({
    method: method as 'GET',
    url,
    headers: { ...(authorization && { authorization }), ...(type && { 'content-type': type }) },
    ...(body !== '' && { payload: body }),
  })
  return { statusCode, type: String(headers['content-type']), text: payload }
}
