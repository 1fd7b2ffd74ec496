import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Homes } from '../../../src/transports/websocket/care/homes'

describe('the homes of feeds', () => {
  const steps = fc.array(
    fc.uniqueArray(
      fc.nat({ max: 30 }).map((n) => `F${n}`),
      { maxLength: 25 },
    ),
    { maxLength: 12 },
  )

  /** Where each feed belongs: where it is while it is wanted, else on the first connection that has room. */
  const modelOf = (before: ReadonlyMap<string, number>, wanted: string[], size: number) => {
    const homes = new Map([...before].filter(([feed]) => wanted.includes(feed)))
    for (const feed of wanted) {
      if (homes.has(feed)) continue
      const countOn = (home: number) => [...homes.values()].filter((one) => one === home).length
      let home = 0
      while (countOn(home) === size) home++
      homes.set(feed, home)
    }
    return homes
  }

  it('SB-8: stay what they are while a feed is wanted, whatever else comes and goes, within the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps, (size, wants) => {
        const homes = new Homes(size)
        let model: ReadonlyMap<string, number> = new Map()
        for (const wanted of wants) {
          homes.assign(wanted)
          model = modelOf(model, wanted, size)
          for (const feed of wanted) expect(homes.of(feed)).toBe(model.get(feed))
        }
        expect(homes.of('of nobody')).toBe(0)
      }),
    )
  })
})
