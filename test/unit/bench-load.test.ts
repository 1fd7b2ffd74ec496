import fc from 'fast-check'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { answerTo, feeds, isPriceOf, priceOf, type Question, sampleTick } from '../../bench/feeds'
import { readAnswer } from '../../bench/load/answer'
import { askAtOnce, askOnce, askUntil, watch } from '../../bench/load/ask'
import { Connection } from '../../bench/load/connection'
import { closedLoop } from '../../bench/load/closed-loop'
import { fixedRate } from '../../bench/load/fixed-rate'
import { requestFor } from '../../bench/load/request'

const listening = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers with what the function makes of the feed that is asked for and how many requests came before. */
const answering = (
  answer: (base: string, before: number) => { status?: number; body: unknown; headers?: object },
) => {
  let count = 0
  return listening((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { base } = (JSON.parse(Buffer.concat(chunks).toString()) as Question).data
      const { status = 200, body, headers } = answer(base, count++)
      const text = JSON.stringify(body)
      res.writeHead(status, { 'content-length': Buffer.byteLength(text), ...headers }).end(text)
    })
  })
}

const good = (base: string) => ({ body: answerTo(sampleTick(base)) })
const load = (port: number, count = 3) => ({ port, bases: feeds(count), check: isPriceOf, connections: 2 })

describe('an answer', () => {
  const whole = (body: string) =>
    `HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`

  it('is whole when its length says so, wherever it was cut on its way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (body) => {
        const text = whole(body)
        expect(readAnswer(text)).toEqual({ status: 200, body })
        for (let end = 0; end < text.length; end++) expect(readAnswer(text.slice(0, end))).toBeUndefined()
        expect(() => readAnswer(`${text}x`)).toThrow('1 bytes follow')
      }),
    )
  })

  it('is refused without a length, and when it is none', () => {
    expect(() => readAnswer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')).toThrow(/length/)
    expect(() => readAnswer('SSH-2.0\r\n\r\n')).toThrow(/Not an answer/)
  })
})

describe('a price', () => {
  it('says whose it is', () => {
    const index = fc.nat(20_000)
    fc.assert(
      fc.property(
        index,
        index,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (one, other, part) => {
          const [base, another] = [feeds(1, one)[0]!, feeds(1, other)[0]!]
          expect(isPriceOf(base, priceOf(base, part))).toBe(true)
          expect(isPriceOf(another, priceOf(base, part))).toBe(one === other)
        },
      ),
    )
  })
})

describe('the load', () => {
  it('counts good answers, each with its latency', async () => {
    let asked = 0
    await using server = await answering((base) => {
      asked++
      return good(base)
    })
    const counted = await closedLoop(load(server.port), 0.1)
    expect(counted.requests).toBe(asked)
    expect(counted.requests).toBeGreaterThan(2)
    expect(counted.p99Ms).toBeGreaterThanOrEqual(counted.p50Ms)
    expect(counted.p50Ms).toBeGreaterThan(0)
  })

  it('asks for the feeds in turn', async () => {
    const asked: string[] = []
    await using server = await answering((base) => {
      asked.push(base)
      return good(base)
    })
    await closedLoop({ ...load(server.port), connections: 1 }, 0.05)
    expect(asked.slice(0, 4)).toEqual(['ASSET0', 'ASSET1', 'ASSET2', 'ASSET0'])
  })

  it('sends as many as are due at a fixed rate', async () => {
    await using server = await answering(good)
    expect((await fixedRate(load(server.port), 500, 0.1)).requests).toBe(50)
  })

  it('ends with the first answer that is not a good one', async () => {
    await using failing = await answering((base, before) =>
      before < 5 ? good(base) : { status: 504, body: {} },
    )
    await expect(closedLoop(load(failing.port), 5)).rejects.toThrow('got 504')
    await using late = await answering((base, before) =>
      before < 5 ? good(base) : { status: 500, body: {} },
    )
    await expect(fixedRate(load(late.port), 1_000, 5)).rejects.toThrow('got 500')
  })

  it('ends with a value that is another feed’s', async () => {
    await using server = await answering(() => good('ASSET1'))
    await expect(closedLoop({ ...load(server.port), bases: ['ASSET0'] }, 5)).rejects.toThrow(
      'Asked for ASSET0',
    )
  })

  it('ends when the connection does', async () => {
    await using server = await answering((base) => ({ ...good(base), headers: { connection: 'close' } }))
    await expect(closedLoop(load(server.port), 5)).rejects.toThrow()
  })
})

describe('a connection', () => {
  it('does not wait for ever', async () => {
    await using silent = await listening(() => {})
    const connection = await Connection.open(silent.port, 30)
    await expect(connection.ask(requestFor('ASSET0'))).rejects.toThrow('No answer within 30 ms')
  })
})

describe('single questions', () => {
  it('are asked again while there is no value yet, and not for ever', async () => {
    await using slow = await answering((base, before) =>
      before < 3 ? { status: 504, body: {} } : good(base),
    )
    await askOnce(slow.port, ['ASSET0'], isPriceOf)
    await using never = await answering(() => ({ status: 504, body: {} }))
    await expect(askOnce(never.port, ['ASSET0'], isPriceOf)).rejects.toThrow('got 504')
  })

  it('all at once are answered all, or it is an error', async () => {
    await using server = await answering(good)
    expect(await askAtOnce(server.port, feeds(20), isPriceOf)).toBeGreaterThan(0)
    await using wrong = await answering(() => good('ASSET3'))
    await expect(askAtOnce(wrong.port, feeds(20), isPriceOf)).rejects.toThrow('Asked for')
  })

  it('are repeated until the value wanted is there; bad answers are no waiting', async () => {
    await using rising = await answering((_base, before) => ({ body: { result: before } }))
    await askUntil(rising.port, feeds(3), (result) => Number(result) > 9)
    await using failing = await answering(() => ({ status: 502, body: {} }))
    await expect(askUntil(failing.port, feeds(1), () => true)).rejects.toThrow('got 502')
  })

  it('watch a feed: every new value once', async () => {
    await using server = await answering((_base, before) => ({ body: { result: Math.floor(before / 2) } }))
    const seen = await watch(server.port, 'ASSET0', 0.05, () => performance.now())
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.map(({ value }) => value)).toEqual(seen.map((_, index) => index))
  })
})
