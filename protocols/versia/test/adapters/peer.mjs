/**
 * A Versia peer in a process of its own, which shares no code with the adapter: frames are made here, and signed by another
 * implementation of Ed25519. Run with `serve`, or with `dial <url> [<token>]`; told what to do by messages of the parent process.
 */
import { Buffer } from 'node:buffer'
import { createHash, randomUUID } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { WebSocket, WebSocketServer } from 'ws'

const [role, url, token] = process.argv.slice(2)
const open = new Set()

const report = (what) => process.send(what)

const attach = (socket, request) => {
  open.add(socket)
  report({ connected: request?.headers ?? {} })
  socket.on('error', () => {})
  socket.on('close', (code) => {
    open.delete(socket)
    report({ closed: code })
  })
}

const sign = ({ seedHex, signedBy, path, entity, signedAt }) => {
  const at = signedAt ?? String(Math.floor(Date.now() / 1000))
  const hash = createHash('sha256').update(Buffer.from(entity, 'utf8')).digest('base64')
  const bytes = Buffer.from(`post ${path} ${at} ${hash}`, 'utf8')
  const signature = Buffer.from(ed25519.sign(bytes, Buffer.from(seedHex, 'hex'))).toString('base64')
  return JSON.stringify({ signature, signed_at: at, signed_by: signedBy, entity })
}

const price = ({ identity, fields }) => {
  const now = new Date().toISOString()
  const entity = {
    id: randomUUID(),
    author: 'feed',
    created_at: now,
    observed_at: now,
    extensions: null,
    ...fields,
  }
  return sign({ ...identity, entity: JSON.stringify(entity) })
}

process.on('message', (command) => {
  if (command.op === 'end') process.exit(0)
  const frame = command.op === 'price' ? price(command) : command.text
  for (const socket of open) socket.send(frame)
})
process.on('disconnect', () => process.exit(0))

if (role === 'serve') {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', attach)
  server.on('listening', () => report({ url: `ws://127.0.0.1:${server.address().port}/ws` }))
} else {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const socket = new WebSocket(url, { headers })
  socket.on('open', () => attach(socket))
  socket.on('error', (error) => report({ failed: error.message }))
}
