import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Backlog, type Source } from '../../../src/service/workers/backlog'
import { type Entry } from '../../../src/service/workers/messages'

class Values implements Source {
  readonly values = new Map<string, string>()

  constructor(
    readonly adapter: string,
    readonly capacity = 100,
  ) {}

  keys() {
    return this.values.keys()
  }

  entry(key: string): Entry {
    return [key, 1, 2, this.values.get(key)]
  }
}

const drain = (backlog: Backlog): { adapter: string; entries: Entry[] }[] => {
  const batches = []
  for (let batch = backlog.take(); batch !== undefined; batch = backlog.take()) batches.push(batch)
  return batches
}

describe('a backlog', () => {
  it('begins with all there is, and is empty when it has been taken', () => {
    const [acme, zeta] = [new Values('ACME'), new Values('ZETA')]
    acme.values.set('a', '1').set('b', '2')
    zeta.values.set('a', '3')
    const backlog = new Backlog([acme, zeta])
    expect(backlog.isEmpty).toBe(false)
    expect(drain(backlog)).toEqual([
      {
        adapter: 'ACME',
        entries: [
          ['a', 1, 2, '1'],
          ['b', 1, 2, '2'],
        ],
      },
      { adapter: 'ZETA', entries: [['a', 1, 2, '3']] },
    ])
    expect(backlog.isEmpty).toBe(true)
  })

  it('RS-1: whatever changes and however often, has the newest of each key once, and every change in the end', () => {
    const step = fc.oneof(
      fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.string(), { nil: undefined }) }),
      fc.constant('take' as const),
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const source = new Values('ACME')
        const backlog = new Backlog([source])
        const copy = new Map<string, string | undefined>()
        const take = () => {
          const { entries } = backlog.take() ?? { entries: [] }
          expect(new Set(entries.map(([key]) => key)).size).toBe(entries.length)
          for (const [key, , , body] of entries) copy.set(key, body)
        }
        for (const one of steps) {
          if (one === 'take') {
            take()
            continue
          }
          if (one.value === undefined) source.values.delete(one.key)
          else source.values.set(one.key, one.value)
          expect(backlog.add(source, one.key)).toBe(true)
        }
        take()
        expect(backlog.isEmpty).toBe(true)
        for (const key of ['a', 'b', 'c']) expect(copy.get(key)).toBe(source.values.get(key))
      }),
    )
  })

  it('comes in batches of a bounded size, each key in one of them', () => {
    const source = new Values('ACME', 1_000)
    for (let at = 0; at < 1_000; at++) source.values.set(`k${at}`, 'v')
    for (let at = 0; at < 10; at++) source.values.set(`long${at}`, 'x'.repeat(400_000))
    const batches = drain(new Backlog([source]))
    for (const { entries } of batches) {
      expect(entries.length).toBeLessThanOrEqual(256)
      const characters = entries.reduce((sum, [, , , body]) => sum + body!.length, 0)
      expect(characters).toBeLessThan(2 * 512 * 1024)
    }
    const keys = batches.flatMap(({ entries }) => entries.map(([key]) => key))
    expect(keys.sort()).toEqual([...source.keys()].sort())
  })

  it('RS-1: says when so many keys have come and gone that they are better forgotten', () => {
    const source = new Values('ACME', 50)
    const backlog = new Backlog([source])
    let added = 0
    while (backlog.add(source, `k${added}`)) added++
    expect(added).toBe(50 + 10_000)
  })
})
