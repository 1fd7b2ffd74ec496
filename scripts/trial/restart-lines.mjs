/** A provider that begins anew must not be refused for ever: an outage is wrong, too. */
import { clearInterval, setInterval } from 'node:timers'
import { coinbaseHeartbeat } from './venues.mjs'
import { nowMs, seconds, within } from '../outside/waiting.mjs'

const RESTART_PATIENCE_MS = 75_000

/** A provider sends other values than before, and for how long none of them is served. */
const untilServed = async (feed, send) => {
  const beganMs = nowMs()
  const timer = setInterval(send, 200)
  try {
    const isNew = ({ status, result }) => status === 200 && result > 100
    const served = await within(RESTART_PATIENCE_MS, () => feed.ask(), isNew)
    if (served === undefined)
      return { ok: false, saw: `refused for ${seconds(RESTART_PATIENCE_MS)} and longer` }
    return { ok: true, saw: `served again after ${seconds(nowMs() - beganMs)}` }
  } finally {
    clearInterval(timer)
  }
}

const restartedTimes = {
  name: 'WebSocket, guards',
  isLong: true,
  async run(bench) {
    const feed = await bench.feed('ws', { guards: {} })
    feed.tick(100, { time: Date.now() })
    await feed.value()
    let value = 100
    return untilServed(feed, () => feed.tick(++value, { time: Date.now() - 600_000 }))
  },
}

const restartedSequence = {
  name: 'coinbase',
  only: 'ours',
  isLong: true,
  async run(bench) {
    const feed = await bench.feed('coinbase')
    feed.tick(100, { sequence: 1_000_000 })
    await feed.value()
    let [value, sequence] = [100, 0]
    return untilServed(feed, () => {
      feed.tick(++value, { sequence: ++sequence })
      // Heartbeats go on, so that nobody takes the connection for dead.
      feed.provider.send(coinbaseHeartbeat(feed.symbol, sequence))
    })
  },
}

export const restartLines = [
  {
    name: 'times-begin-anew',
    law: 'TM-1, ER-4',
    scenario: 'on one connection the times of the provider go back by ten minutes, and on from there',
    right: `values are served again within ${RESTART_PATIENCE_MS / 1000} s`,
    cases: [restartedTimes],
  },
  {
    name: 'sequences-begin-anew',
    law: 'ER-4',
    scenario: 'on one connection the sequence numbers of Coinbase begin anew',
    right: `values are served again within ${RESTART_PATIENCE_MS / 1000} s`,
    cases: [restartedSequence],
  },
]
