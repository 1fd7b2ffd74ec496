import { afterEach, expect, it, vi } from 'vitest'
import * as cacheMetrics from '../../src/public/metrics'
import { WebSocketClassProvider as PrivateProvider } from '../../src/connections/class-provider'
import { WebSocketClassProvider } from '../../src/public/transports'
import { WebSocketClassProvider as BySubpath } from '../../src/public/transports/websocket'
import { metrics } from '../../src/metrics/registry'
import { LoggerFactoryProvider, makeLogger } from '../../src/public/util'
import CensorList from '../../src/public/util/censor/censor-list'
import { LoggerFactoryProvider as LoggersBySubpath } from '../../src/public/util/logger'
import { stillAdapter } from '../http/support'

afterEach(() => vi.unstubAllEnvs())

it('17.21: loggers, metrics, secrets and the WebSocket class are one each for the process, by whatever path', async () => {
  expect(WebSocketClassProvider).toBe(PrivateProvider)
  expect(BySubpath).toBe(PrivateProvider)
  expect(cacheMetrics.metrics).toBe(metrics)
  expect(LoggersBySubpath).toBe(LoggerFactoryProvider)

  const early = makeLogger('Early')
  const lines: unknown[] = []
  const log = (line: unknown) => void lines.push(line)
  const logger = { fatal: log, error: log, warn: log, info: log, debug: log, trace: log }
  LoggerFactoryProvider.set({ child: () => logger })
  early.info('to the factory of today')
  expect(lines).toEqual(['to the factory of today'])

  vi.stubEnv('CACHE_REDIS_PASSWORD', 'a-secret-of-one-adapter')
  const { adapter } = stillAdapter()
  await adapter.initialize()
  const isHidden = CensorList.getAll().some(({ value }) => {
    value.lastIndex = 0
    return value.test('a-secret-of-one-adapter')
  })
  expect(isHidden).toBe(true)
})
