import { afterEach, it, onTestFinished } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { renderMetrics } from '../../../src/metrics/render'
import { serve } from '../../../src/testing'
import { describeWithPromtool, expectAlerts } from '../../../test/monitoring/promtool'
import { Watch } from '../../../test/monitoring/watch'
import { createAdapter } from '../adapters/ws-room'
import { roomServer } from './room-server'
import { key, keyOf } from './vectors'

afterEach(() => metrics.clear())

const DAY_MS = 86_400_000

describeWithPromtool('alerts of the key of a room', () => {
  it.each([
    [6, ['TickwellRoomKeyEnds']],
    [8, []],
  ])('that ends in %d days are %j', async (days, firing) => {
    await using server = await roomServer()
    const { privateKey, delegation } = keyOf('dave', days * DAY_MS)
    const service = await serve(createAdapter, {
      env: {
        WS_ROOM_PRIVATE_KEY: privateKey,
        WS_ROOM_DELEGATION: delegation,
        WS_ROOM_SIGNERS: key('alice').address_lower,
        WS_ROOM_ALLOW_PLAINTEXT: 'true',
        WS_ROOM_CONNECTION_STRING: server.connectionString,
      },
    })
    onTestFinished(() => service.stop())
    const watch = new Watch(renderMetrics)
    await expectAlerts(watch, [{ at: await watch.stay(0.25), firing }])
  })
})
