import { createRequire } from 'node:module'
import { expect, it, vi } from 'vitest'
import { defaultLoggerFactory, LoggerFactoryProvider, makeLogger } from '../../src/util/logging'

const isPinoLoaded = () =>
  Object.keys(createRequire(__filename).cache).some((path) => path.endsWith('/pino/pino.js'))

it('loads pino with the first line that is written, and for no line of a level that is not', () => {
  vi.stubEnv('LOG_LEVEL', 'warn')
  const lines: string[] = []
  LoggerFactoryProvider.set(defaultLoggerFactory({ write: (line) => void lines.push(line) }))
  const logger = makeLogger('Main')
  logger.info('Listening')
  logger.debug('and more')
  expect([isPinoLoaded(), lines]).toEqual([false, []])
  logger.warn('Something is wrong')
  logger.info('Listening')
  expect([isPinoLoaded(), lines.length]).toEqual([true, 1])
  vi.unstubAllEnvs()
})
