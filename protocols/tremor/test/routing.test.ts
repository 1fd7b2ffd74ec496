import { describe, expect, it } from 'vitest'
import { type PeerAddress, route } from '../routing'
import { vectorsOf } from './vectors'

interface Vector {
  open: Record<string, PeerAddress>
  meta: Record<string, unknown>
  origins: number[]
  expect: { streams?: number[]; fail?: true; circuit?: 'close' }
}

const openOf = (open: Record<string, PeerAddress>) =>
  new Map(Object.entries(open).map(([stream, peer]) => [Number(stream), peer]))

describe('where an outgoing event of a server goes', () => {
  it.each(vectorsOf<Vector>('route.json'))('$id: $title', ({ open, meta, origins, expect: expected }) => {
    const chosen = route(openOf(open), meta, origins)
    expect(chosen.streams.sort()).toEqual(expected.fail ? [] : expected.streams)
    expect(chosen.isDeserted).toBe(expected.circuit === 'close')
  })

  const open = openOf({ 4: { host: '127.0.0.1', port: 80 } })

  it.each([
    ['a port that is text', { peer: { host: '127.0.0.1', port: '80' } }],
    ['a port out of range', { peer: { host: '127.0.0.1', port: 65_616 } }],
    ['a host that is no text', { peer: { host: 127, port: 80 } }],
    ['the other form of the address', { peer: { host: '::ffff:127.0.0.1', port: 80 } }],
    ['no record', 'x'],
  ])('%s names nobody', (_what, own) => {
    expect(route(open, { ws_server: own }, [])).toEqual({ streams: [], isDeserted: false })
    expect(route(open, { ws_server: own }, [4])).toEqual({ streams: [4], isDeserted: false })
  })

  it.each(['ws_server', '$ws_server', 'ws_client', '$ws_client'])(
    'takes the record of the connection by the name %s',
    (name) => {
      const meta = { [name]: { peer: { host: '127.0.0.1', port: 80 } } }
      expect(route(open, meta, [])).toEqual({ streams: [4], isDeserted: false })
    },
  )

  it('sends once to a stream that contributed twice', () => {
    expect(route(open, {}, [4, 4]).streams).toEqual([4])
  })
})
