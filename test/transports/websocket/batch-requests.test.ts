import { describe, expect, it } from 'vitest'
import { Requests } from '../../../src/transports/websocket/batches/batch-requests'

const adding = (requests: Requests, symbols: string[]): number => {
  const id = requests.nextId()
  requests.add(id, symbols)
  return id
}

describe('requests', () => {
  it('are known by ids that no other request ever has, also on later connections', () => {
    const requests = new Requests()
    const first = adding(requests, ['A'])
    requests.clear()
    const second = adding(requests, ['B'])
    expect(second).not.toBe(first)
    expect(requests.symbolsOf(first)).toEqual([])
    expect(requests.symbolsOf(second)).toEqual(['B'])
    expect(requests.symbolsOf(String(second))).toEqual(['B'])
    expect(requests.symbolsOf(undefined)).toEqual([])
  })

  it('RS-1: are forgotten, the oldest first, when there are very many', () => {
    const requests = new Requests()
    const ids = Array.from({ length: 1_001 }, (_, index) => adding(requests, [`A${index}`]))
    expect(requests.symbolsOf(ids[0])).toEqual([])
    expect(requests.symbolsOf(ids[1])).toEqual(['A1'])
  })
})
