#!/usr/bin/env node
import type * as Child from './workers/child'
import { readServiceSettings } from '../config/service-settings'
import type * as Single from './single'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { warmUpTicks } from '../util/warm-up'
import { specIn } from './workers/control'
import { Supervisor } from './workers/supervisor'

/* eslint-disable @typescript-eslint/no-require-imports -- a supervisor has no use for adapters and servers, and does not load them */

const logger = makeLogger('Main')

interface Stoppable {
  stop: () => Promise<void>
}

/** @param begun - gets what has to be stopped as soon as there is something */
const start = async (begun: (what: Stoppable) => void): Promise<void> => {
  const { workers } = readServiceSettings()
  if (workers > 1) {
    const supervisor = new Supervisor(__filename, workers)
    begun(supervisor)
    return supervisor.start()
  }
  const { startService } = require('./single') as typeof Single
  begun(await startService())
  warmUpTicks()
}

/** Starts the service, and stops it on SIGTERM or SIGINT; a second signal ends the process at once. */
const main = async (): Promise<void> => {
  LoggerFactoryProvider.set()
  process.on('unhandledRejection', (err) => logger.error({ err }, `Unhandled rejection: ${String(err)}`))
  const spec = specIn(process.argv)
  if (spec !== undefined) return (require('./workers/child') as typeof Child).runChild(spec)
  let service: Stoppable | undefined
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1)
    isStopping = true
    logger.info(`${signal}: stopping`)
    void (service?.stop() ?? Promise.resolve()).finally(() => process.exit(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  try {
    await start((what) => (service = what))
  } catch (err) {
    logger.fatal({ err }, `The service could not start: ${messageOf(err)}`)
    process.exit(1)
  }
}

void main()
