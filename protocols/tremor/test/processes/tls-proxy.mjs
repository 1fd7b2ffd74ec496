// Ends TLS in front of a plain server, as a proxy in front of an adapter does.
// node tls-proxy.mjs <certificate file> <key file> <port to go on to>: prints the port it listens on.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer } from 'node:tls'

const [cert, key, target] = process.argv.slice(2)
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (outer) => {
  const inner = connect(Number(target), '127.0.0.1')
  const end = () => {
    inner.destroy()
    outer.destroy()
  }
  for (const socket of [inner, outer]) socket.on('error', end).on('close', end)
  outer.pipe(inner).pipe(outer)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
