import { beforeEach, expect, it } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { beatsIn } from '../../../src/transports/websocket/pacing/beats'
import { config, linesAt, logged, start } from './support'

beforeEach(() => void (logged.length = 0))

const isWarning = (text: string) => text.includes('is used up by heartbeats and pings alone')
const heartbeat = () => {}

it.each([
  ['heartbeats', 6, { WS_HEARTBEAT_INTERVAL_MS: '10000' }, {}, 1],
  ['heartbeats and pings together', 8, { WS_HEARTBEAT_INTERVAL_MS: '15000' }, { ping: {} }, 1],
  ['heartbeats that leave one', 7, { WS_HEARTBEAT_INTERVAL_MS: '10000' }, {}, 0],
])(
  'RL-8: a limit of messages and %s (%d in a minute) are compared once at the start',
  async (_, count, env, more, warnings) => {
    await using provider = await wsProvider()
    const base = config(provider.url)
    const limits = { messages: { count, perMs: 60_000 } }
    const made = { ...base, ...more, limits, handlers: { ...base.handlers, heartbeat } }
    await using service = await start(made, env)
    expect(linesAt('warn').filter(isWarning)).toHaveLength(warnings)
    expect(service).toBeDefined()
  },
)

it('nothing is sent by the clock without heartbeats and pings', () => {
  expect(beatsIn(60_000, { handlers: {} }, 1)).toBe(0)
  expect(beatsIn(60_000, { handlers: { heartbeat }, ping: { everyMs: 30_000 } }, 10_000)).toBe(8)
})
