import { vi } from 'vitest'
import { type Cache } from '../../src/feeds/cache'
import { CompareResponseCache } from '../../src/feeds/compare-response-cache'
import { LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { ObservedCache, responseCacheOf, T } from '../feeds/support'
import { describeWithRedis, redisServer, type RedisServer } from '../helpers/redis-server'
import { type PriceTypes } from '../http/support'
import { redisCacheOf } from '../redis/redis-support'
import { RemoteCache } from '../redis/remote-cache'
import { type Lacks, LIFE_MS, type ResponseCacheRig, testResponseCache } from './response-cache'

interface Store {
  cache: Cache<AdapterResponse>
  pass: (ms: number) => Promise<void>
  end: () => Promise<void>
}

const passHere = (ms: number) => void vi.setSystemTime(Date.now() + ms)

/** A store whose clock is this process's. */
const here = (makeCache: () => Cache<AdapterResponse>) => async (): Promise<Store> => ({
  cache: makeCache(),
  pass: async (ms) => passHere(ms),
  end: async () => {},
})

/** Redis has a clock of its own: what is to pass is taken from what its keys have left. */
const passThere = async ({ client }: RedisServer, ms: number): Promise<void> => {
  for (const key of await client.keys('*')) {
    const leftMs = (await client.pttl(key)) - ms
    if (leftMs > 0) await client.pexpire(key, leftMs)
    else await client.del(key)
  }
}

const remote = async (): Promise<Store> => {
  const redis = await redisServer()
  const { cache, [Symbol.asyncDispose]: leave } = redisCacheOf<AdapterResponse>(redis.port)
  return {
    cache,
    async pass(ms) {
      passHere(ms)
      await passThere(redis, ms)
    },
    async end() {
      await leave()
      await redis[Symbol.asyncDispose]()
    },
  }
}

const simple = async (makeStore: () => Promise<Store>) => {
  const { cache, pass, end } = await makeStore()
  const of = { cache: cache as LocalCache<AdapterResponse>, settings: { CACHE_MAX_AGE: LIFE_MS } }
  const { responseCache } = responseCacheOf(of)
  const refused = () => responseCache.refusalsOf(T).count('not-finite')
  return {
    responseCache,
    refused,
    pass,
    async end() {
      responseCache.stop()
      await end()
    },
  }
}

const inFront = async (behind: ResponseCacheRig): Promise<ResponseCacheRig> => ({
  ...behind,
  responseCache: new CompareResponseCache<PriceTypes>('both', behind.responseCache, () => true),
})

/** Both kinds over one store. */
const testBoth = (where: string, makeStore: () => Promise<Store>, lacks?: Lacks): void => {
  testResponseCache(`a simple one ${where}`, () => simple(makeStore), lacks)
  testResponseCache(
    `a comparing one in front of one ${where}`,
    async () => inFront(await simple(makeStore)),
    lacks,
  )
}

testBoth(
  'on the local cache',
  here(() => new LocalCache<AdapterResponse>(100)),
)
testBoth(
  "on somebody's own cache",
  here(() => new ObservedCache(100)),
)
testBoth(
  'on a remote cache',
  here(() => new RemoteCache()),
  { waiters: 'Nothing of it is in this process: who waits looks again and again.' },
)
describeWithRedis('response caches on Redis', () => testBoth('on Redis', remote))
