/** Floor for ingest: a `ws` client that parses every message and stores its price in a map; answers with the last one of a feed. */
import { createServer } from 'node:http'
import { WebSocket } from 'ws'
import { argument, feeds, reportListening, type Tick } from '../shared'

const prices = new Map<string, Tick>()
const socket = new WebSocket(argument('provider'))
socket.on('message', (data: Buffer) => {
  const tick = JSON.parse(data.toString()) as Tick
  prices.set(tick.base, tick)
})
socket.on('open', () => {
  for (const base of feeds(Number(argument('feeds'))))
    socket.send(JSON.stringify({ op: 'subscribe', base, quote: 'USD' }))
})
const server = createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: { base: string } }
    const tick = prices.get(data.base)
    res.writeHead(tick === undefined ? 504 : 200, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ result: tick?.price }))
  })
})
server.listen(0, '127.0.0.1', () => reportListening(server))
