/** Every module that adapters import, loaded first and by itself: nothing may depend on what was loaded before. */
const subpaths = [
  '',
  '/adapter',
  '/adapter/basic',
  '/adapter/endpoint',
  '/adapter/lwba',
  '/adapter/market-status',
  '/adapter/numeric-result',
  '/adapter/por',
  '/adapter/price',
  '/adapter/stock',
  '/background-executor',
  '/cache',
  '/cache/local',
  '/cache/metrics',
  '/cache/redis',
  '/cache/response',
  '/config',
  '/metrics',
  '/metrics/constants',
  '/metrics/util',
  '/rate-limiting',
  '/rate-limiting/factory',
  '/transports',
  '/transports/abstract/streaming',
  '/transports/abstract/subscription',
  '/transports/composite',
  '/transports/http',
  '/transports/metrics',
  '/transports/sse',
  '/transports/websocket',
  '/util',
  '/util/censor/censor-list',
  '/util/group-runner',
  '/util/logger',
  '/util/requester',
  '/util/result-number',
  '/util/settings',
  '/util/subscription-set/subscription-set',
  '/util/testing-utils',
  '/util/turn-queue',
  '/util/types',
  '/validation',
  '/validation/address',
  '/validation/error',
  '/validation/input-params',
  '/validation/market-status',
  '/validation/utils',
]

describe('a module loaded first', () => {
  it.each(subpaths)('@chainlink/external-adapter-framework%s', (subpath) => {
    jest.isolateModules(() => {
      expect(jest.requireActual(`@chainlink/external-adapter-framework${subpath}`)).toBeDefined()
    })
  })
})
