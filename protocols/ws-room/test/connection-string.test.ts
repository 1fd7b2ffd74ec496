import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConnectionString, roomNameOf } from '../connection-string'
import { roomUrl } from '../room-url'
import { fixture, problemIn } from './vectors'

interface Vector {
  input: string
  ok: boolean
  transport?: string
  url?: string
  plaintext?: boolean
  reason?: string
}

const { vectors } = fixture<{ vectors: Vector[] }>('connection-strings.json')

const urlish = fc.string({ unit: fc.constantFrom(...'ws:/.@#?[]%a1 ') })

describe('a connection string', () => {
  it.each(vectors.map((vector) => [vector.input, vector] as const))(
    'is read as it is meant: %s',
    (_name, vector) => {
      const parsed = parseConnectionString(vector.input)
      if (vector.ok)
        expect(parsed).toEqual({ ok: true, url: vector.url, isPlaintext: vector.plaintext ?? false })
      else {
        const transport = vector.transport === undefined ? {} : { transport: vector.transport }
        expect(parsed).toEqual({ ok: false, problem: problemIn(vector), ...transport })
      }
    },
  )

  it('of any text is a WebSocket URL without credentials, or a problem', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          urlish,
          urlish.map((text) => `ws-room:${text}`),
        ),
        (text) => {
          const parsed = parseConnectionString(text)
          if (parsed.ok) expect(new URL(parsed.url)).toMatchObject({ username: '', password: '', hash: '' })
        },
      ),
    )
  })

  it('without end is none', () => {
    const parsed = parseConnectionString(`ws-room:comms.example.com/${'x'.repeat(3_000)}`)
    expect(parsed).toEqual({ ok: false, problem: 'bad-url' })
  })

  it('for another transport is refused in words that name it', () => {
    expect(() => roomUrl('livekit:wss://comms.example.com?access_token=abc', false)).toThrow(
      'The connection string names a transport that is not supported; expected "ws-room:" and a URL (livekit)',
    )
  })

  it('asks for plain text in vain, unless that is allowed', () => {
    const text = 'ws-room:ws://127.0.0.1:5003/rooms/prices'
    expect(() => roomUrl(text, false)).toThrow('which is not allowed')
    expect(roomUrl(text, true)).toBe('ws://127.0.0.1:5003/rooms/prices')
  })

  it.each(vectors.filter(({ ok }) => !ok))(
    'is refused with a cause of its own, and none of its text: $input',
    ({ input }) => {
      let refusal: unknown
      try {
        roomUrl(input, true)
      } catch (error) {
        refusal = error
      }
      expect(refusal).toMatchObject({
        trouble: 'connection-string',
        reason: { code: 'CONNECTION_STRING_REFUSED' },
      })
      expect((refusal as Error).message).not.toMatch(/user:|abc/)
    },
  )
})

describe('the name of a room', () => {
  it('is host and path, whatever else the URL holds', () => {
    expect(roomNameOf('wss://comms.example.com/rooms/prices?token=a:b')).toBe(
      'comms.example.com/rooms/prices',
    )
    expect(roomNameOf('wss://comms.example.com:443/rooms/prices')).toBe('comms.example.com/rooms/prices')
    expect(roomNameOf('ws://127.0.0.1:5003/rooms/prices')).toBe('127.0.0.1:5003/rooms/prices')
  })
})
