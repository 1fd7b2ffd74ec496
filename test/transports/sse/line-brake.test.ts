import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withEventLimit } from '../../../src/transports/sse/event-limit'
import { IdleLines, LineBrake } from '../../../src/transports/sse/line-brake'
import { eventually } from '../../helpers/eventually'
import { SseProvider } from './provider'
import { config, start } from './support'

const countIn = (pieces: Buffer[]) => {
  const lines = new IdleLines()
  return pieces
    .map((piece) => lines.count(piece))
    .reduce((sum, { messages, bytes }) => ({ messages: sum.messages + messages, bytes: sum.bytes + bytes }))
}

const UNKNOWN = Buffer.from('foo: x\n')

describe('lines of a stream that say nothing', () => {
  it('are counted alike wherever the stream is cut', () => {
    const line = fc.constantFrom(
      'data: 1',
      'data',
      'dat',
      'database: 1',
      'foo: x',
      ': c',
      '',
      'id: 7',
      'retry: x',
    )
    const cuts = fc.array(fc.nat(), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), cuts, (of, places) => {
        const bytes = Buffer.from(of.map((one) => `${one}\n`).join(''))
        const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
        const pieces = [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
        expect(countIn(pieces)).toEqual(countIn([bytes]))
      }),
    )
  })

  it('are none in a stream of events with names and ids, and all others where there is no data', () => {
    const event = fc.constantFrom(
      'event: a\nid: 1\ndata: x\n\n',
      'data: x\ndata\n\n',
      'id: 1\ndata:\nretry: 5\n\n',
    )
    fc.assert(
      fc.property(fc.array(event, { minLength: 1 }), (events) => {
        const first = Buffer.from('data: 1\n\n')
        expect(countIn([first, ...events.map((one) => Buffer.from(one))])).toEqual({ messages: 0, bytes: 0 })
      }),
    )
    for (const one of ['foo: x', ': x', 'retry: x', 'event: x', 'dat: x', 'datax'])
      expect(countIn([Buffer.from(`${one}\n`.repeat(100))])).toEqual({
        messages: 100,
        bytes: 100 * one.length,
      })
  })
})

describe('a stream that brings too many of them', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Reads a stream of such pieces without end; `reads` is how many have been read. */
  const reading = (piece: Buffer) => {
    const log: string[] = []
    const brake = new LineBrake((limit) => log.push(limit))
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(piece) })
    const of = { brake, onExceeded: () => expect.unreachable() }
    const answer = withEventLimit(new Response(body), Number.MAX_SAFE_INTEGER, of)
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
    const state = { reads: 0, log, brake, reader }
    const read = async (): Promise<void> => {
      while (state.reads < 50) {
        await reader.read()
        state.reads++
      }
    }
    void read()
    return state
  }

  it('is read no further until their second is over, and is told of', async () => {
    const state = reading(Buffer.concat(Array<Buffer>(2_500).fill(UNKNOWN)))
    await vi.advanceTimersByTimeAsync(0)
    expect([state.reads, state.log]).toEqual([4, ['messages']])
    await vi.advanceTimersByTimeAsync(999)
    expect(state.reads).toBe(4)
    await vi.advanceTimersByTimeAsync(1)
    expect([state.reads, state.log]).toEqual([8, ['messages', 'messages']])
    state.brake.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits for few long ones, too, and not for data', async () => {
    const long = reading(Buffer.from(`: ${'x'.repeat(2_200_000)}\n`))
    const data = reading(Buffer.from('data: x\n\n'.repeat(2_500)))
    await vi.advanceTimersByTimeAsync(0)
    expect([long.reads, long.log]).toEqual([2, ['bytes']])
    expect([data.reads, data.log]).toEqual([50, []])
    await long.reader.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a flood of them', () => {
  it('is counted, and what comes after it is served', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    await service.post({ base: 'ETH' })
    const stream = await provider.connection(0)
    stream.raw(Buffer.concat(Array<Buffer>(11_000).fill(UNKNOWN)))
    const floods = () => service.metric('data_refused_total', { app_name: 'TEST', reason: 'flood' })
    await eventually(async () => expect(await floods()).toBeGreaterThan(0))
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until({ base: 'ETH' }, ({ json }) => json.result === 5)
    expect(stream.isGone()).toBe(false)
  })
})
