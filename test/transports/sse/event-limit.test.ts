import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withEventLimit } from '../../../src/transports/sse/event-limit'
import { LineBrake } from '../../../src/transports/sse/line-brake'

const NEVER = Number.MAX_SAFE_INTEGER

/** What is left of a stream that comes in these pieces, and whether it was cut off. */
const limited = async (pieces: Uint8Array[], maxBytes: number) => {
  let exceeded = 0
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
  const brake = new LineBrake(() => expect.unreachable())
  const answer = withEventLimit(new Response(body), maxBytes, { brake, onExceeded: () => exceeded++ })
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  const got: Uint8Array[] = []
  try {
    for (let piece; !(piece = await reader.read()).done;) got.push(piece.value)
  } catch (error) {
    return { text: Buffer.concat(got).toString(), exceeded, error: String(error) }
  }
  return { text: Buffer.concat(got).toString(), exceeded, error: undefined }
}

const eventsOf = (text: string) => {
  const events: object[] = []
  const parser = createParser({ onEvent: (event) => events.push(event) })
  parser.feed(text)
  return events
}

const cutAt = (text: string, places: number[]): Uint8Array[] => {
  const bytes = Buffer.from(text)
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
}

describe('a stream of events', () => {
  it('is understood as it was, wherever it is cut and however its lines end', async () => {
    const end = fc.constantFrom('\n', '\r', '\r\n')
    const line = fc.constantFrom('data: 1', 'data: ☃', 'event: tick', ': comment', '', 'id: 7', 'x')
    const lines = fc.array(fc.tuple(line, end), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(lines, fc.array(fc.nat()), async (of, places) => {
        const text = of.map((parts) => parts.join('')).join('')
        const { text: got, error } = await limited(cutAt(text, places), NEVER)
        expect(error).toBeUndefined()
        // The end of the last line may be half of one.
        expect(eventsOf(got)).toEqual(eventsOf(text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')))
        expect(got).not.toContain('\r')
      }),
    )
  })

  it('RS-7: is cut off when an event has more bytes than it may and no end, and not before', async () => {
    const end = fc.constantFrom('\n\n', '\r\r', '\r\n\r\n', '\n\r', '\n\r\n', '\r\n\n')
    await fc.assert(
      fc.asyncProperty(end, fc.integer({ min: 1, max: 40 }), async (between, count) => {
        const pieces = Array.from({ length: count }, () => Buffer.from(`data: 1${between}`))
        expect(await limited(pieces, 30)).toMatchObject({ exceeded: 0, error: undefined })
        const endless = Array.from({ length: count + 5 }, () => Buffer.from('data: 1\r\n'))
        const { text, exceeded, error } = await limited([...pieces, ...endless], 30)
        expect(exceeded).toBe(1)
        expect(error).toContain('more than 30 bytes')
        expect(text.length).toBeLessThanOrEqual(count * (`data: 1${between}`.length + 1) + 30)
      }),
    )
  })

  it('is cut off when an event has very many lines and no end, although they are short', async () => {
    const lines = Buffer.from('data: x\n'.repeat(1_000))
    const ended = Array.from({ length: 100 }, () => Buffer.concat([lines, Buffer.from('\n')]))
    expect(await limited(ended, 1_000_000)).toMatchObject({ exceeded: 0, error: undefined })
    const { text, exceeded } = await limited(
      Array.from({ length: 100 }, () => lines),
      1_000_000,
    )
    expect(exceeded).toBe(1)
    expect(text.length).toBeLessThan(200_000)
  })

  it('of nothing but carriage returns is made one of line feeds, which the parser reads in one go', async () => {
    const { text } = await limited([Buffer.alloc(9_000, '\r')], NEVER)
    expect(text).toBe('\n'.repeat(9_000))
  })
})
