/**
 * The data provider: answers every subscribe with one tick at once. Told to flood, sends ticks over all subscribed feeds as fast as the
 * socket takes them, the last round with the price that was asked for.
 */
import { type AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Tick } from '../shared'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
const subscribed = new Map<WebSocket, Set<string>>()

const tick = (base: string, price: number): string =>
  JSON.stringify({ base, quote: 'USD', price, time: Date.now() } satisfies Tick)

server.on('connection', (socket) => {
  const bases = new Set<string>()
  subscribed.set(socket, bases)
  socket.on('message', (data: Buffer) => {
    const { op, base } = JSON.parse(data.toString()) as { op: string; base: string }
    if (op !== 'subscribe') return void bases.delete(base)
    bases.add(base)
    socket.send(tick(base, 1))
  })
  socket.on('close', () => subscribed.delete(socket))
})

const flood = async (messages: number, lastPrice: number): Promise<void> => {
  for (const [socket, bases] of subscribed) {
    const names = [...bases]
    for (let sent = 0; sent < messages; sent++) {
      const isLastRound = sent >= messages - names.length
      socket.send(tick(names[sent % names.length]!, isLastRound ? lastPrice : 1 + Math.random()))
      if (socket.bufferedAmount > 1_000_000) await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
}

process.on('message', ({ messages, lastPrice }: { messages: number; lastPrice: number }) => {
  void flood(messages, lastPrice)
})
server.on('listening', () => process.send?.({ port: (server.address() as AddressInfo).port }))
