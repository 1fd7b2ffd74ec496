/** Certificates that do not fit, and what an authority that is set is good for. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { WebSocketServer } from 'ws'
import { certificateIn } from './certificates.mjs'
import { freePort } from '../outside/service.mjs'
import { within } from '../outside/waiting.mjs'

const load = createRequire(import.meta.url)

const SIGNER = {
  VERSIA_SIGNERS: 'feeds.example=MCowBQYDK2VwAyEAiJkEM7ys1Gt8Z8JM1Ig1ceYOjlJYnrwCbHyvn0Xj+x0=',
  VERSIA_PRICE_TYPE: 'org.example:price_feeds/Price',
}
const NOBODY = 'wss://127.0.0.1:9/'

/** Each of `one` and `other` has a certificate and a key. @returns the venue and its settings, in which something does not fit */
const misfits = {
  'tremor, another key': ({ one, other }, port) => ({
    venue: 'tremor',
    TREMOR_LISTEN: `127.0.0.1:${port}`,
    TREMOR_CERT_FILE: one.certFile,
    TREMOR_KEY_FILE: other.keyFile,
  }),
  'tremor, a certificate that is none': ({ one, none }, port) => ({
    venue: 'tremor',
    TREMOR_LISTEN: `127.0.0.1:${port}`,
    TREMOR_CERT_FILE: none,
    TREMOR_KEY_FILE: one.keyFile,
  }),
  'tremor, a port that is taken': (_, port, taken) => ({
    venue: 'tremor',
    TREMOR_LISTEN: `127.0.0.1:${taken}`,
  }),
  'tremor as a client, another key': ({ one, other }) => ({
    venue: 'tremor',
    TREMOR_URL: NOBODY,
    TREMOR_CERT_FILE: one.certFile,
    TREMOR_KEY_FILE: other.keyFile,
  }),
  'versia, another key': ({ one, other }, port) => ({
    venue: 'versia',
    ...SIGNER,
    VERSIA_LISTEN_PORT: String(port),
    VERSIA_LISTEN_TLS_CERT: one.cert,
    VERSIA_LISTEN_TLS_KEY: other.key,
  }),
  'versia, a port that is taken': (_, port, taken) => ({
    venue: 'versia',
    ...SIGNER,
    VERSIA_LISTEN_PORT: String(taken),
  }),
  'versia as a client, another key': ({ one, other }) => ({
    venue: 'versia',
    ...SIGNER,
    VERSIA_WS_API_ENDPOINT: NOBODY,
    VERSIA_WS_TLS_CERT: one.cert,
    VERSIA_WS_TLS_KEY: other.key,
  }),
  'the service’s own, another key': ({ one, other }) => ({
    venue: 'coinbase',
    COINBASE_WS_API_ENDPOINT: NOBODY,
    TLS_ENABLED: 'true',
    TLS_PUBLIC_KEY: one.cert,
    TLS_PRIVATE_KEY: other.key,
  }),
}

const noStart = Object.entries(misfits).flatMap(([name, settings]) =>
  (name === 'tremor, another key' ? [1, 2] : [1]).map((workers) => ({
    name: workers === 1 ? name : `${name}, two workers`,
    only: 'ours',
    isLong: true,
    async run(bench) {
      const none = join(bench.folder, 'none.crt')
      writeFileSync(none, 'no certificate\n')
      const [one, other] = ['one', 'other'].map((what) => certificateIn(bench.folder, what))
      const server = createTcpServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        const { venue, ...env } = settings({ one, other, none }, await freePort(), server.address().port)
        const ended = await bench.startsNot({ venue, workers, env })
        if (ended === undefined) return { ok: false, saw: 'it runs' }
        const code = await ended.exitWithin(0)
        const ok = typeof code === 'number' && code !== 0
        return { ok, saw: ok ? 'not started' : `exit ${code}` }
      } finally {
        server.close()
      }
    },
  })),
)

/** A server with a certificate of its own, which notes who came through TLS. */
class TlsServer {
  asked = []
  upgrades = 0
  #sockets = new WebSocketServer({ noServer: true })

  constructor(certificate) {
    this.certificate = certificate
  }

  async start() {
    const { cert, key } = this.certificate
    this.server = createServer({ cert, key }, (request, response) => {
      this.asked.push(request.url)
      const room = `ws-room:wss://localhost:${this.port}/rooms/trial`
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ healthy: true, comms: { healthy: true, protocol: 'v3', fixedAdapter: room } }),
      )
    })
    this.server
      .on('tlsClientError', () => {})
      .on('upgrade', (request, socket, head) => {
        this.upgrades++
        this.#sockets.handleUpgrade(request, socket, head, (connection) => connection.on('error', () => {}))
      })
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    this.port = this.server.address().port
  }

  stop() {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.server.closeAllConnections()
    this.server.close()
  }
}

/** Where each setting is good for, by what was seen there. */
const TRUSTED = {
  'ws-room, /about of the realm': {
    venue: 'ws-room',
    env: (server, { cert }) => ({
      WS_ROOM_REALM_URL: `https://localhost:${server.port}`,
      WS_ROOM_SERVER_CA: cert,
    }),
    has: (server) => server.asked.some((path) => path.startsWith('/about')),
  },
  'ws-room, the room': {
    venue: 'ws-room',
    env: (server, { cert }) => ({
      WS_ROOM_CONNECTION_STRING: `ws-room:wss://localhost:${server.port}/rooms/trial`,
      WS_ROOM_SERVER_CA: cert,
    }),
    has: (server) => server.upgrades > 0,
  },
  'ws-room, the room that the realm names': {
    venue: 'ws-room',
    env: (server, { cert }) => ({
      WS_ROOM_REALM_URL: `https://localhost:${server.port}`,
      WS_ROOM_SERVER_CA: cert,
    }),
    has: (server) => server.upgrades > 0,
  },
  versia: {
    venue: 'versia',
    env: (server, { cert }) => ({
      ...SIGNER,
      VERSIA_WS_API_ENDPOINT: `wss://localhost:${server.port}/`,
      VERSIA_WS_TLS_CA: cert,
    }),
    has: (server) => server.upgrades > 0,
  },
  tremor: {
    venue: 'tremor',
    env: (server, { certFile }) => ({
      TREMOR_URL: `wss://localhost:${server.port}/`,
      TREMOR_CA_FILE: certFile,
    }),
    has: (server) => server.upgrades > 0,
  },
}

const SEEN_WITHIN_MS = 6_000

const trusted = Object.entries(TRUSTED).flatMap(([name, { venue, env, has }]) =>
  [true, false].map((isTrusted) => ({
    name: `${name}, ${isTrusted ? 'its own' : 'another'}`,
    only: 'ours',
    async run(bench) {
      const [own, other] = ['own', 'other'].map((what) => certificateIn(bench.folder, what))
      const server = new TlsServer(own)
      const room = venue === 'ws-room' ? keyOfARoom(bench.build) : {}
      const settings = () => ({ ...room, ...env(server, isTrusted ? own : other) })
      const service = await bench.service([server], { venue, env: settings })
      void service.ask({ base: 'ETH', quote: 'USD' }).catch(() => {})
      const isSeen = (await within(SEEN_WITHIN_MS, () => has(server))) === true
      return { ok: isSeen === isTrusted, saw: isSeen ? 'it goes there' : 'it does not go there' }
    },
  })),
)

/** As an operator makes them. */
const keyOfARoom = (build) => {
  const { delegate } = load(join(build, 'transports/ws-room'))
  const accountPrivateKey = `0x${'1'.repeat(64)}`
  const { privateKey, delegation, owner } = delegate({ accountPrivateKey, validForMs: 3_600_000 })
  return { WS_ROOM_PRIVATE_KEY: privateKey, WS_ROOM_DELEGATION: delegation, WS_ROOM_SIGNERS: owner }
}

export const tlsLines = [
  {
    name: 'key-of-another',
    law: 'LC-5',
    scenario: 'the key does not belong to the certificate, a file holds none, or a listener’s port is taken',
    right: 'it does not start, and says so with its exit code',
    cases: noStart,
  },
  {
    name: 'authorities',
    law: 'SC-6',
    scenario: 'a setting names the authority to trust: the server’s own, or another',
    right: 'it counts for everything that it is set for: there with its own, not with another',
    cases: trusted,
  },
]
