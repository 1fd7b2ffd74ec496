import fc from 'fast-check'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { answerTo, feeds, isPriceOf, priceOf, type Question, sampleTick } from '../../bench/feeds'
import { readAnswer } from '../../bench/load/answer'
import { askAtOnce, askOnce, askUntil, pollUntil, watch } from '../../bench/load/ask'
import { Connection } from '../../bench/load/connection'
import { closedLoop, sendMany } from '../../bench/load/closed-loop'
import { fixedRate } from '../../bench/load/fixed-rate'
import { countedIn } from '../../bench/load/wrk'
import { nodeBodyFor, requestFor } from '../../bench/load/request'

const listening = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    onConnection: (listener: (socket: Socket) => void) => void server.on('connection', listener),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers with what the function makes of the feed that is asked for, how many requests came before, and the body. */
const answering = (
  answer: (
    base: string,
    before: number,
    body: string,
  ) => { status?: number; body: unknown; headers?: Record<string, string> },
) => {
  let count = 0
  return listening((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const question = Buffer.concat(chunks).toString()
      const { base } = (JSON.parse(question) as Question).data
      const { status = 200, body, headers } = answer(base, count++, question)
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
  it('counts good answers that came between its marks, each with its latency', async () => {
    let asked = 0
    const marks: number[] = []
    await using server = await answering((base) => {
      asked++
      return good(base)
    })
    const mark = () => marks.push(asked)
    const counted = await closedLoop(load(server.port), 0.1, { before: mark, after: mark })
    const [before, after] = marks as [number, number]
    expect(before).toBeGreaterThan(0)
    // Each connection, and the one on which values are looked at, may have one under way at either mark.
    expect(Math.abs(counted.requests - (after - before))).toBeLessThanOrEqual(3)
    expect(counted.requests).toBeGreaterThan(3)
    expect(counted.p99Ms).toBeGreaterThanOrEqual(counted.p50Ms)
    expect(counted.p50Ms).toBeGreaterThan(0)
  })

  it('asks for every feed, in the same bytes each time', async () => {
    const bodies = new Map<string, Set<string>>()
    await using server = await answering((base, _before, body) => {
      bodies.set(base, (bodies.get(base) ?? new Set()).add(body))
      return good(base)
    })
    await closedLoop(load(server.port, 5), 0.05)
    expect([...bodies.keys()].sort()).toEqual(feeds(5))
    expect([...bodies.values()].every(({ size }) => size === 1)).toBe(true)
  })

  it('asks as nodes do, for every feed, and never twice in the same bytes', async () => {
    const bodies: string[] = []
    const bases = new Set<string>()
    await using server = await answering((base, _before, body) => {
      bases.add(base)
      bodies.push(body)
      return good(base)
    })
    await closedLoop({ ...load(server.port), asNode: true }, 0.05)
    await closedLoop({ ...load(server.port), asNode: true }, 0.05)
    expect([...bases].sort()).toEqual(feeds(3))
    expect(new Set(bodies).size).toBe(bodies.length)
  })

  it('has members in the order of the alphabet where it asks as nodes do', () => {
    expect(nodeBodyFor('ASSET7')).toMatch(
      /^\{"data":\{"base":"ASSET7","quote":"USD"\},"id":"\d+-\d+","meta":\{"latestAnswer":\d+,"updatedAt":\d+\}\}$/,
    )
  })

  it('sends as many as it is told', async () => {
    let asked = 0
    await using server = await answering((base) => {
      asked++
      return good(base)
    })
    await sendMany({ ...load(server.port), asNode: true }, 400)
    expect(asked).toBeGreaterThanOrEqual(400)
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
    const wrong = { ...load(server.port), bases: ['ASSET0'] }
    await expect(closedLoop(wrong, 5)).rejects.toThrow('Asked for ASSET0')
    await expect(fixedRate(wrong, 1_000, 5)).rejects.toThrow('Asked for ASSET0')
  })

  it('ends when connections do, although the generator opens them again', async () => {
    let connections = 0
    await using server = await answering((base) => good(base))
    server.onConnection((socket) => {
      // The one on which values are looked at stays, so that it is not that which notices.
      if (connections++ === 0) return
      let chunks = 0
      socket.on('data', () => ++chunks === 3 && socket.destroy())
    })
    await expect(closedLoop(load(server.port), 0.1)).rejects.toThrow(/lost with their connections|No answer/)
  })
})

describe('a report of wrk', () => {
  const report = `Running 2s test @ http://127.0.0.1:8080/
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   711.34us  240.60us   9.80ms   95.88%
    Req/Sec    70.45k     4.35k   76.30k    75.00%
  Latency Distribution
     50%  672.00us
     75%  761.00us
     90%    0.85ms
     99%    1.32ms
  140220 requests in 2.00s, 66.06MB read
Requests/sec:  70004.16
Transfer/sec:     32.98MB
`

  it('is read with its figures in ms', () => {
    expect(countedIn(report)).toEqual({ requests: 140_220, seconds: 2, p50Ms: 0.672, p99Ms: 1.32 })
  })

  it.each(['  Non-2xx or 3xx responses: 12', '  Socket errors: connect 0, read 3, write 0, timeout 0'])(
    'counts nothing with a line such as %s',
    (line) => {
      expect(() => countedIn(`${report}${line}\n`)).toThrow(line.trim())
      expect(() => countedIn('unable to connect to 127.0.0.1:1 Connection refused')).toThrow(/Not a report/)
    },
  )
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

  it('are asked from outside until the value wanted is there, each over a connection of its own', async () => {
    let connections = 0
    await using rising = await answering((_base, before) => ({ body: { result: before } }))
    rising.onConnection(() => connections++)
    await pollUntil(rising.port, 'ASSET0', (result) => result === 4, 1)
    expect(connections).toBeGreaterThanOrEqual(5)
    await using failing = await answering(() => ({ status: 502, body: {} }))
    await expect(pollUntil(failing.port, 'ASSET0', () => true, 1)).rejects.toThrow('got 502')
  })

  it('watch a feed: every new value once', async () => {
    await using server = await answering((_base, before) => ({ body: { result: Math.floor(before / 2) } }))
    const seen = await watch(server.port, 'ASSET0', 0.05, () => performance.now())
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.map(({ value }) => value)).toEqual(seen.map((_, index) => index))
  })
})
