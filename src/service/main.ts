#!/usr/bin/env node
import type * as Child from './workers/child'
import type * as Single from './single'
import { useOwnVersion } from '../config/own-version'
import { LoggerFactoryProvider } from '../util/logging'
import { specIn } from './workers/control'
import { endWith, hearExceptions, hearRejections } from './rejections'
import { readSettings } from './settings'
import { stopOnSignals } from './stopping'
import { Supervisor } from './workers/supervisor'

/* eslint-disable @typescript-eslint/no-require-imports -- a supervisor has no use for adapters and servers, and does not load them */

interface Stoppable {
  stop: () => Promise<void>
}

/** @param begun - called with what has to be stopped, as soon as it exists */
const start = async (begun: (what: Stoppable) => void): Promise<void> => {
  const settings = await readSettings()
  if (settings.workers > 1) {
    const supervisor = new Supervisor(__filename, settings)
    begun(supervisor)
    return supervisor.start()
  }
  const { startService } = require('./single') as typeof Single
  begun(await startService())
}

/** Starts the service, and stops it on SIGTERM or SIGINT. A second signal ends the process at once. */
const main = async (): Promise<void> => {
  LoggerFactoryProvider.set()
  hearRejections()
  hearExceptions()
  useOwnVersion()
  const spec = specIn(process.argv)
  if (spec !== undefined) return (require('./workers/child') as typeof Child).runChild(spec)
  let service: Stoppable | undefined
  stopOnSignals(() => service?.stop() ?? Promise.resolve())
  try {
    await start((what) => (service = what))
  } catch (err) {
    endWith(err, 'The service could not start')
  }
}

void main()
