import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnchorIndex } from '../../src/util/anchor-index'

const word = fc.stringMatching(/^[ab]{3,6}$/)
const anchor = fc.record({ text: word, companions: fc.array(word, { maxLength: 2 }) })

describe('AnchorIndex', () => {
  it('finds exactly the owners with an anchor whose words are all in the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anchor), { maxLength: 8 }),
        fc.stringMatching(/^[ab ]*$/),
        (owners, text) => {
          const expected = owners.flatMap((anchors, owner) =>
            anchors.some(({ text: own, companions }) =>
              [own, ...companions].every((part) => text.includes(part)),
            )
              ? [owner]
              : [],
          )
          const found = new AnchorIndex(owners).ownersIn(text)
          expect([...(found ?? [])].sort((a, b) => a - b)).toEqual(expected)
          expect(found === undefined).toBe(expected.length === 0)
        },
      ),
      { numRuns: 500 },
    )
  })
})
