import { type LoggerFactory } from '../../src/util/logging'
import { Inbox } from '../../src/testing/inbox'
import { dial, type DialOptions } from '../../src/connections/dial'
import { type Link, type LinkClose } from '../../src/connections/link'
import { Listener, type ListenerOptions } from '../../src/connections/listener'

export const never: AbortSignal = new AbortController().signal

/** A listener on loopback that lets everybody in, with the links it got. */
export const listening = async (options: Partial<ListenerOptions<string>> = {}) => {
  const links = new Inbox<Link>('a link', 5_000)
  const refused = new Inbox<string>('a message or refusal', 5_000)
  const listener = new Listener<string>({
    host: '127.0.0.1',
    port: 0,
    closeTimeoutMs: 100,
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
    [Symbol.asyncDispose]: () => listener.close(),
  }
}

export const call = (
  url: string,
  options: Partial<DialOptions> = {},
  signal: AbortSignal = never,
): Promise<Link> =>
  dial({ url, maxPayloadBytes: 1_000, openTimeoutMs: 5_000, closeTimeoutMs: 100, ...options }, signal)

/** Everything that a link brings, to be awaited. */
export const reading = (link: Link) => {
  const messages = new Inbox<string>('a message or refusal', 5_000)
  const closes = new Inbox<LinkClose>('the end of a link', 5_000)
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
