import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { expect, it, vi } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { noteWire, together } from '../../../src/connections/socket'

it('what is sent together leaves in one piece, in order, and a failure in between holds nothing back', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  noteWire(socket)
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(socket, 'open')])) as [
    [WebSocket],
    unknown,
  ]
  const { _socket: wire } = socket as unknown as { _socket: { _handle: { writev: () => number } } }
  const calls = vi.spyOn(wire._handle, 'writev')
  const received: string[] = []
  const all = new Promise<void>((resolve) =>
    accepted.on('message', (data: Buffer) => {
      if (received.push(String(data)) === 300) resolve()
    }),
  )
  const names = Array.from({ length: 300 }, (_, index) => `feed ${index}`)
  expect(() =>
    together(socket, () => {
      for (const name of names) socket.send(name)
      throw new Error('half way')
    }),
  ).toThrow('half way')
  await all
  expect(received).toEqual(names)
  expect(calls).toHaveBeenCalledTimes(1)
  socket.terminate()
  server.close()
  await once(server, 'close')
})

it('sockets that nothing is known of just send', () => {
  const sent: string[] = []
  const double = { send: (text: string) => void sent.push(text) } as unknown as WebSocket
  noteWire(double)
  together(double, () => double.send('a'))
  together(undefined, () => sent.push('b'))
  expect(sent).toEqual(['a', 'b'])
})
