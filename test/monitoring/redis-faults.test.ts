import { afterEach, expect, it } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples } from '../../src/testing/samples'
import { eventually } from '../helpers/eventually'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { AT_ONCE, still } from '../service/redis-support'
import { describeWithPromtool, expectAlerts } from './promtool'
import { ETH } from './run'
import { Watch } from './watch'

afterEach(() => metrics.clear())

/** Commands that failed, or succeeded, until now. */
const commands = async (hasSucceeded: boolean): Promise<number> =>
  parseSamples(await renderMetrics())
    .filter(({ name }) => name === 'redis_commands_sent_count')
    .filter(({ labels }) => (labels['status'] === 'SUCCESS') === hasSucceeded)
    .reduce((sum, { value }) => sum + value, 0)

describeWithPromtool('alerts of Redis', () => {
  describeWithRedis('that dies', () => {
    it('tell that it takes no commands, and end when it is back', async () => {
      await using redis = await redisServer()
      await using one = await still(redis.port, 'reader-writer', AT_ONCE)
      const watch = new Watch(renderMetrics)
      const works = async () => {
        await one.transport.put(ETH, 1_800)
        await one.post(ETH)
      }
      await works()
      const healthy = await watch.stay(4)
      await redis.kill()
      await eventually(async () => {
        await works()
        expect(await commands(false)).toBeGreaterThan(0)
      })
      const lost = await watch.stay(1)
      await redis.start()
      const before = await commands(true)
      await eventually(async () => {
        await works()
        expect(await commands(true)).toBeGreaterThan(before)
      })
      const back = await watch.stay(5)
      await expectAlerts(watch, [
        { at: healthy, firing: [] },
        { at: lost, firing: ['TickwellRedisFails'] },
        { at: back, firing: [] },
      ])
    })
  })
})
