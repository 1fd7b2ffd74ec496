import { type Connection } from './connection'
import { type Counted, type LoadOptions } from './options'
import { Round } from './round'

/**
 * Requests become due at a fixed rate, whether or not earlier ones are answered. The latency of each counts from when it was due:
 * one that waits for a free connection behind a slow answer has waited for the target.
 *
 * @throws BadAnswer at the first answer that is not a good one
 */
export const fixedRate = async (
  options: LoadOptions,
  perSecond: number,
  seconds: number,
): Promise<Counted> => {
  const total = perSecond * seconds
  const waiting: number[] = []
  const idle: Connection[] = []
  let due = 0
  const round = await Round.open(options, (connection) => {
    const dueAt = waiting.shift()
    if (dueAt !== undefined) return round.send(connection, dueAt)
    idle.push(connection)
    if (due === total && round.underWay === 0) round.end()
  })
  idle.push(...round.connections)
  const startedAt = performance.now()
  // The timer decides when requests arrive, a few at a time; that it fires late is no fault of the target's.
  const timer = setInterval(() => {
    const now = performance.now()
    const dueByNow = Math.min(total, Math.floor(((now - startedAt) / 1_000) * perSecond))
    for (; due < dueByNow; due++) {
      const connection = idle.shift()
      if (connection === undefined) waiting.push(now)
      else round.send(connection, now)
    }
  }, 1)
  try {
    await round.ended
    return round.counted((performance.now() - startedAt) / 1_000)
  } finally {
    clearInterval(timer)
    round.close()
  }
}
