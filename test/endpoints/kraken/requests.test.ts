import { describe, expect, it } from 'vitest'
import { Requests } from '../../../endpoints/kraken/requests'

describe('requests', () => {
  it('are known by ids that no other request ever has, also on later connections', () => {
    const requests = new Requests()
    const first = requests.add(['A'])
    requests.clear()
    const second = requests.add(['B'])
    expect(second).not.toBe(first)
    expect(requests.symbolsOf(first)).toEqual([])
    expect(requests.symbolsOf(second)).toEqual(['B'])
    expect(requests.symbolsOf(undefined)).toEqual([])
  })

  it('RS-1: are forgotten, the oldest first, when there are very many', () => {
    const requests = new Requests()
    const ids = Array.from({ length: 1_001 }, (_, index) => requests.add([`A${index}`]))
    expect(requests.symbolsOf(ids[0])).toEqual([])
    expect(requests.symbolsOf(ids[1])).toEqual(['A1'])
  })
})
