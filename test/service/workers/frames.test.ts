import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameError, FrameReader, MAX_FRAME_BYTES } from '../../../src/service/workers/frames'

const anything = fc.anything({ withDate: true, withMap: true, withBigInt: true, withSet: true })

/** Cuts bytes into pieces of the lengths given, the rest in one. */
const cut = (bytes: Buffer, lengths: readonly number[]): Buffer[] => {
  const pieces: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return [...pieces, bytes.subarray(at)]
}

describe('frames', () => {
  it('come out as the messages that went in, wherever the stream is cut', () => {
    const lengths = fc.array(fc.nat({ max: 40 }))
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 8 }), lengths, (messages, at) => {
        const reader = new FrameReader()
        const received = cut(Buffer.concat(messages.map(encodeFrame)), at).flatMap((piece) =>
          reader.push(piece),
        )
        expect(received).toStrictEqual(messages)
      }),
    )
  })

  it('keep what JSON would drop', () => {
    const message = { params: { quote: undefined, at: new Date(0), amount: 1n, ratio: NaN } }
    expect(new FrameReader().push(encodeFrame(message))).toStrictEqual([message])
  })

  it('IS-2: that are garbage are an error of their own kind, and nothing else', () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (chunks) => {
        const reader = new FrameReader()
        try {
          for (const chunk of chunks) reader.push(Buffer.from(chunk))
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
    )
  })

  it('IS-2: whose payload was damaged are either another message or an error', () => {
    fc.assert(
      fc.property(anything, fc.nat(), fc.nat({ max: 255 }), (message, at, byte) => {
        const frame = encodeFrame(message)
        frame[4 + (at % (frame.length - 4))] = byte
        try {
          expect(new FrameReader().push(frame)).toHaveLength(1)
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
    )
  })

  it.each([0, MAX_FRAME_BYTES + 1, 2 ** 32 - 1])(
    'RS-1: are refused at their header when they say %d bytes',
    (length) => {
      const header = Buffer.alloc(4)
      header.writeUInt32BE(length)
      expect(() => new FrameReader().push(header)).toThrow(FrameError)
    },
  )

  it('RS-1: are not made longer than they may be', () => {
    expect(() => encodeFrame(Buffer.alloc(MAX_FRAME_BYTES))).toThrow(FrameError)
  })
})
