/**
 * Floor for ingest: a `ws` client that parses every message and keeps it in a map by its feed. It subscribes a given number of feeds by
 * itself, and answers requests on `node:http` with the last price of a feed, only so that the end of a flood can be seen.
 */
import { createServer } from 'node:http'
import { WebSocket } from 'ws'
import { feeds, type Question, type Tick } from '../feeds'
import { argument, portOf, reportListening } from './control'

const ticks = new Map<string, Tick>()
const socket = new WebSocket(argument('provider'))
socket.on('message', (data: Buffer) => {
  const tick = JSON.parse(data.toString()) as Tick
  ticks.set(tick.base, tick)
})
socket.on('open', () => {
  for (const base of feeds(Number(argument('feeds'))))
    socket.send(JSON.stringify({ op: 'subscribe', base, quote: 'USD' }))
})
const server = createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const { data } = JSON.parse(Buffer.concat(chunks).toString()) as Question
    const tick = ticks.get(data.base)
    const body = JSON.stringify({ result: tick?.price })
    res.writeHead(tick === undefined ? 504 : 200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    res.end(body)
  })
})
server.listen(0, '127.0.0.1', () => reportListening(portOf(server)))
