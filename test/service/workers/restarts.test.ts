import { describe, expect, it } from 'vitest'
import { afterDeath, USEFUL_LIFE_MS } from '../../../src/service/workers/restarts'

describe('restarts', () => {
  it('come ever later for what dies again and again, at most every half minute, without end', () => {
    let policy = afterDeath(() => 1)
    const delays: number[] = []
    for (let death = 0; death < 50; death++) {
      const { delayMs, next } = policy.next({ livedMs: 10 })
      delays.push(delayMs)
      policy = next
    }
    expect(delays.slice(0, 5)).toEqual([200, 400, 800, 1_600, 3_200])
    expect(delays.slice(8)).toEqual(Array(42).fill(30_000))
  })

  it('are quick again after a useful life', () => {
    let policy = afterDeath(() => 1)
    for (let death = 0; death < 5; death++) policy = policy.next({ livedMs: 10 }).next
    expect(policy.next({ livedMs: USEFUL_LIFE_MS - 1 }).delayMs).toBe(6_400)
    const { delayMs, next } = policy.next({ livedMs: USEFUL_LIFE_MS })
    expect(delayMs).toBe(200)
    expect(next.next({ livedMs: 10 }).delayMs).toBe(400)
  })

  it('of several at once do not come in the same instant', () => {
    expect(afterDeath(() => 0).next({ livedMs: 10 }).delayMs).toBe(100)
    expect(afterDeath(() => 0.5).next({ livedMs: 10 }).delayMs).toBe(150)
  })
})
