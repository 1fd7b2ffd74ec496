import { connect as connectTcp, type Socket } from 'node:net'
import { proxyFor } from '../config/outbound-proxy'
import { openTunnel } from '../util/tunnel'
import { unlessAborted } from '../util/unless-aborted'
import { connect } from './connect'
import { connectionError, couldNotConnect } from './connection-error'
import { Farewell } from './farewell'
import { newSocket, type SocketOptions } from './new-socket'

interface ProbeOf {
  url: string
  timeoutMs: number
}

const PORTS: Record<string, number> = { 'ws:': 80, 'wss:': 443 }

/** Runs `probe` with a signal that aborts at the time limit or with the given signal, and rejects as soon as it has aborted. */
const limited = async (
  timeoutMs: number,
  signal: AbortSignal,
  probe: (signal: AbortSignal) => Promise<void>,
): Promise<void> => {
  const ending = new AbortController()
  const end = (): void => ending.abort(signal.reason)
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  const late = connectionError('CONNECTION_TIMEOUT', `The probe was not over after ${timeoutMs} ms`)
  const deadline = setTimeout(() => ending.abort(late), timeoutMs)
  try {
    await unlessAborted(probe(ending.signal), ending.signal)
  } finally {
    clearTimeout(deadline)
    signal.removeEventListener('abort', end)
    ending.abort()
  }
}

/**
 * Finds out whether a provider could be moved to, beside the connection in use. Counts as no connection in metrics. Each probe leaves no
 * socket behind, and rejects when it is not over in time or the signal aborts.
 */
export class Prober {
  private readonly farewell = new Farewell()

  /** Opens a WebSocket, and closes it again politely once the handshake is done. */
  handshake(
    { url, timeoutMs, options }: ProbeOf & { options: () => Promise<SocketOptions | undefined> },
    signal: AbortSignal,
  ): Promise<void> {
    return limited(timeoutMs, signal, async (ending) => {
      const clientOptions = await options()
      ending.throwIfAborted()
      const socket = newSocket(url, undefined, clientOptions)
      const attempt = connect({
        socket,
        timeoutMs,
        open: undefined,
        onError: () => {},
        onOpen: () => {
          // An error without a listener would end the process.
          socket.addEventListener('error', () => {})
          this.farewell.take(socket)
        },
        dismiss: (opening) => this.farewell.take(opening),
        cut: (failed) => this.farewell.cut(failed),
      })
      ending.addEventListener('abort', () => attempt.abort())
      await attempt.opened
    })
  }

  /** Opens and closes a TCP connection. For providers that allow one WebSocket only. It cannot tell whether a handshake would succeed. */
  reachable({ url, timeoutMs }: ProbeOf, signal: AbortSignal): Promise<void> {
    const { protocol, hostname, port } = new URL(url)
    return limited(
      timeoutMs,
      signal,
      (ending) =>
        new Promise((resolve, reject) => {
          // The brackets of an IPv6 address belong to the URL, not to the address.
          const host = hostname.replace(/^\[|\]$/g, '')
          const to = { host, port: port === '' ? (PORTS[protocol] ?? 80) : Number(port) }
          const failed = (error: Error) => reject(couldNotConnect({ error, message: error.message }))
          const connected = (socket: Socket): void => {
            socket.destroy()
            resolve()
          }
          const proxy = proxyFor(url)
          if (proxy !== undefined)
            return openTunnel(
              proxy,
              to,
              (error, socket) => (socket === undefined ? failed(error!) : connected(socket)),
              ending,
            )
          const socket = connectTcp(to)
          ending.addEventListener('abort', () => socket.destroy())
          socket.on('error', failed)
          socket.on('connect', () => connected(socket))
        }),
    )
  }

  /** An author's own way to find out. */
  own(timeoutMs: number, signal: AbortSignal, probe: (signal: AbortSignal) => Promise<void>): Promise<void> {
    return limited(timeoutMs, signal, probe)
  }

  /** Resolves when every socket has gone. */
  gone(): Promise<void> {
    return this.farewell.gone()
  }
}
