import { describe, expect, it } from 'vitest'
import { FairOrder } from '../../../src/transports/http/fair-order'

/** A queue that lets so many of a pass through, and drops the others from the front: with or without the very first. */
const crowd = (order: FairOrder, keys: string[], queue: number, isFirstThrough: boolean): string[] => {
  const pass = order.arrange(keys.map((key) => ({ key })))
  const outcome = pass.map(({ key }, at) => ({
    key,
    wasDropped: at < pass.length - queue && !(isFirstThrough && at === 0),
  }))
  order.note(outcome)
  return outcome.filter(({ wasDropped }) => !wasDropped).map(({ key }) => key)
}

const rounds = (order: FairOrder, keys: string[], queue: number, isFirstThrough: boolean, count: number) => {
  const served = new Map(keys.map((key) => [key, 0]))
  for (let round = 0; round < count; round++)
    for (const key of crowd(order, keys, queue, isFirstThrough)) served.set(key, served.get(key)! + 1)
  return served
}
const spread = (served: Map<string, number>) => Math.max(...served.values()) - Math.min(...served.values())

const KEYS = ['a', 'b', 'c', 'd', 'e']

describe('the order of the requests of a pass', () => {
  it('is as it was before anything has been dropped, and after a pass in which nothing was', () => {
    const order = new FairOrder()
    const requests = KEYS.map((key) => ({ key }))
    expect(order.arrange(requests)).toBe(requests)
    crowd(order, KEYS, 2, true)
    expect(order.arrange(requests)).not.toEqual(requests)
    order.note(KEYS.map((key) => ({ key, wasDropped: false })))
    expect(order.arrange(requests)).toBe(requests)
  })

  it('has nothing in it where nothing is due', () => {
    const order = new FairOrder()
    crowd(order, KEYS, 2, true)
    expect(order.arrange([])).toEqual([])
  })

  it('is that of the requests where they are equal: who comes first is served first', () => {
    const order = new FairOrder()
    order.note(KEYS.map((key, at) => ({ key, wasDropped: at === 4 })))
    // All but the last were served once, at the same time. It is first, and of the others those that are not dropped are last.
    expect(order.arrange(KEYS.map((key) => ({ key }))).map(({ key }) => key)).toEqual([
      'e',
      'd',
      'c',
      'b',
      'a',
    ])
  })

  it.each([2, 3, 5])(
    'RL-5: has turns for %d where the queue does not let even the first through',
    (count) => {
      const served = rounds(new FairOrder(), KEYS.slice(0, count), 1, false, 10 * count)
      expect([...served.values()]).toEqual(Array.from({ length: count }, () => 10))
    },
  )

  it('RL-5: has turns where the first is let through now and then', () => {
    const order = new FairOrder()
    const served = new Map(KEYS.map((key) => [key, 0]))
    for (let round = 0; round < 50; round++)
      for (const key of crowd(order, KEYS, 2, round % 3 === 0)) served.set(key, served.get(key)! + 1)
    expect(spread(served)).toBeLessThanOrEqual(2)
  })

  it.each([true, false])(
    'RL-5: has turns for a new one as for the others, not more and not fewer',
    (isFirst) => {
      const order = new FairOrder()
      rounds(order, KEYS.slice(0, 3), 1, isFirst, 31)
      expect(spread(rounds(order, KEYS, 1, isFirst, 50))).toBeLessThanOrEqual(1)
    },
  )

  it('forgets who was served how often when there is room for all', () => {
    const order = new FairOrder()
    rounds(order, KEYS, 1, true, 3)
    order.note(KEYS.map((key) => ({ key, wasDropped: false })))
    const fresh = new FairOrder()
    for (const one of [order, fresh]) crowd(one, KEYS, 1, false)
    const after = [order, fresh].map((one) => one.arrange(KEYS.map((key) => ({ key }))))
    expect(after[0]).toEqual(after[1])
  })
})
