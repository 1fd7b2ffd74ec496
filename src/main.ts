#!/usr/bin/env node
import { type Service, startService } from './service'
import { LoggerFactoryProvider, makeLogger } from './util/logging'
import { warmUpTicks } from './util/warm-up'

const logger = makeLogger('Main')

/** Starts the service, and stops it on SIGTERM or SIGINT; a second signal ends the process at once. */
const main = async (): Promise<void> => {
  LoggerFactoryProvider.set()
  process.on('unhandledRejection', (err) => logger.error({ err }, `Unhandled rejection: ${String(err)}`))
  let service: Service | undefined
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
    service = await startService()
    warmUpTicks()
  } catch (err) {
    logger.fatal({ err }, `The service could not start: ${(err as Error).message}`)
    process.exit(1)
  }
}

void main()
