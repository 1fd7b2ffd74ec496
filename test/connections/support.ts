import { type LoggerFactory } from '../../src/util/logging'
import { Inbox } from '../../src/testing/inbox'
import { dial, type DialOptions } from '../../src/connections/dial'
import { type Link, type LinkClose } from '../../src/connections/link'
import { Listener, type ListenerOptions } from '../../src/connections/listener'
import { GUARD_MS } from '../helpers/eventually'

export const never: AbortSignal = new AbortController().signal

/** A listener on loopback that lets everybody in, with the links it got. */
export const listening = async (options: Partial<ListenerOptions<string>> = {}) => {
  const links = new Inbox<Link>('a link', GUARD_MS)
  const refused = new Inbox<string>('a message or refusal', GUARD_MS)
  const listener = new Listener<string>({
    host: '127.0.0.1',
    port: 0,
    handshakeTimeoutMs: GUARD_MS,
    closeTimeoutMs: GUARD_MS,
    maxPayloadBytes: 1_000,
    authenticate: () => 'somebody',
    onLink: (link) => links.put(link),
    onRefused: (why) => refused.put(why),
    ...options,
  })
  const { port } = await listener.listen()
  const scheme = options.tls === undefined ? 'ws' : 'wss'
  return {
    listener,
    links,
    refused,
    url: `${scheme}://127.0.0.1:${port}/`,
    port,
    /** Without a farewell: nobody may be there to answer it. */
    [Symbol.asyncDispose]: () => {
      for (const link of listener.peers.keys()) link.destroy()
      return listener.close()
    },
  }
}

export const call = (
  url: string,
  options: Partial<DialOptions> = {},
  signal: AbortSignal = never,
): Promise<Link> =>
  dial({ url, maxPayloadBytes: 1_000, openTimeoutMs: GUARD_MS, closeTimeoutMs: GUARD_MS, ...options }, signal)

/** Everything that a link brings, to be awaited. */
export const reading = (link: Link) => {
  const messages = new Inbox<string>('a message or refusal', GUARD_MS)
  const closes = new Inbox<LinkClose>('the end of a link', GUARD_MS)
  link.listen({
    message: (data, isBinary) => messages.put(`${isBinary ? 'binary' : 'text'} ${data.toString()}`),
    close: (close) => closes.put(close),
  })
  return { messages, closes }
}

const silent = () => undefined

/** For tests of parts that log, where nobody reads it. */
export const silentLoggers = {
  child: () => ({
    fatal: silent,
    error: silent,
    warn: silent,
    info: silent,
    debug: silent,
    trace: silent,
    isLevelEnabled: () => false,
  }),
} as unknown as LoggerFactory
