import { once } from 'node:events'
import { type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { serve } from '../../src/testing/serve'
import { stillAdapter } from '../http/support'

/** So many turns of the event loop without a byte: nothing more comes until something else is sent. Both ends are in this process. */
const QUIET_TURNS = 12
/** A server that has not read a piece after so many does not want it now. */
const MAX_TURNS = 1_000

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What a client sees of its connection: bytes, and whether the server has ended it. */
export interface Seen {
  text: string
  isEnded: boolean
}

/** What one way of answering makes of connections, as their clients see it. */
export interface Exchange extends AsyncDisposable {
  /** Sends pieces, each of which is read by itself, and ends the connection. @returns what was seen before and after that end */
  send(pieces: readonly Buffer[]): Promise<Seen[]>
}

/** The date, and when a value came, which only look alike if they are equal. */
const withoutTimes = (text: string): string =>
  text.replace(/\r\ndate: [^\r]*/gi, '\r\ndate: then').replace(/(UnixMs":)\d{13}/g, '$1then')

const feedOf = (base: string) => ({ base, quote: 'USD' })

/** A service with values for ETH and BTC, an error for BAD, and nothing for anything else. */
export const exchange = async (isFast: boolean): Promise<Exchange> => {
  const still = stillAdapter()
  const env = { CACHE_POLLING_MAX_RETRIES: '0', FAST_LANE_ENABLED: String(isFast), LOG_LEVEL: 'fatal' }
  const service = await serve(still.adapter, { listen: true, env })
  // Each time anew: the long form takes longer than a value lives.
  const renew = async () => {
    await still.transport.put(feedOf('ETH'), 5)
    await still.transport.put(feedOf('BTC'), 60_000)
    await still.transport.putError(feedOf('BAD'), 502, 'closed for today')
  }
  const server: Server = service.api.server
  const { port } = new URL(service.url!)

  const dial = async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const [[theirs]] = await Promise.all([accepted, once(socket, 'connect')])
    const seen = { text: '', isEnded: false }
    socket.setEncoding('latin1').on('data', (text: string) => (seen.text += text))
    socket.on('end', () => (seen.isEnded = true)).on('error', () => (seen.isEnded = true))
    socket.on('close', () => (seen.isEnded = true))
    return { socket, theirs, seen }
  }

  const quiet = async (seen: Seen, theirs: Socket): Promise<void> => {
    const state = () => `${seen.text.length} ${seen.isEnded} ${theirs.bytesRead} ${theirs.bytesWritten}`
    for (let [turns, last] = [0, state()]; turns < QUIET_TURNS; turns++) {
      await turn()
      if (state() !== last) [turns, last] = [0, state()]
    }
  }

  /** Pieces are read one by one, unless the server reads no more of them. */
  const read = async (theirs: Socket, bytes: number): Promise<void> => {
    for (let turns = 0; turns < MAX_TURNS && theirs.bytesRead < bytes && !theirs.destroyed; turns++)
      await turn()
  }

  return {
    send: async (pieces) => {
      await renew()
      const { socket, theirs, seen } = await dial()
      const all: Seen[] = []
      const look = async () => {
        await quiet(seen, theirs)
        all.push({ text: withoutTimes(seen.text), isEnded: seen.isEnded })
        seen.text = ''
      }
      let sent = theirs.bytesRead
      for (const piece of pieces) {
        if (seen.isEnded || !socket.writable) break
        socket.write(piece)
        sent += piece.length
        await read(theirs, sent)
        await quiet(seen, theirs)
      }
      await look()
      if (!seen.isEnded) {
        socket.end()
        await look()
      }
      socket.destroy()
      return all
    },
    [Symbol.asyncDispose]: () => service.stop(),
  }
}
