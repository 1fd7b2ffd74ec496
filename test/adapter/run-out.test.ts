import { expect, it } from 'vitest'
import { reasonFor } from '../../src/adapter/wait-for-value'
import { FEED_OUTAGE } from '../../src/transports/capabilities'
import { type Reason } from '../../src/validation/reason'

const stale: Reason = { code: 'STALE_VALUE', message: 'The last value is stale', sinceUnixMs: 100 }
const limited: Reason = { code: 'RATE_LIMITED', message: 'The request waits for its turn', sinceUnixMs: 50 }

it.each<[string, Reason, Reason, string]>([
  ['waited for its turn before it ended', limited, stale, 'RATE_LIMITED'],
  [
    'may not be made before a time',
    { ...limited, sinceUnixMs: 200, nextAttemptUnixMs: 300 },
    stale,
    'RATE_LIMITED',
  ],
  ['has its turn as ever', { ...limited, sinceUnixMs: 200 }, stale, 'STALE_VALUE'],
  ['waits while our own clock is in doubt', limited, { ...stale, class: 'clock' }, 'STALE_VALUE'],
  ['waits after a value was refused', limited, { ...stale, code: 'REFUSED_VALUE' }, 'REFUSED_VALUE'],
])('a feed without a value whose request %s says so', (_, outage, absence, code) => {
  expect(reasonFor({ [FEED_OUTAGE]: () => outage }, absence, {})?.code).toBe(code)
})
