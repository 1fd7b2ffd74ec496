import { type WebSocket } from '../../src/public/transports'
import { type EventFrame } from './frames'

const PATIENCE_MS = 5_000

const greetingIn = (data: unknown): EventFrame | undefined => {
  try {
    const message = JSON.parse(String(data)) as EventFrame | null
    return message?.event === 'info' ? message : undefined
  } catch {
    return undefined
  }
}

/** The `info` event that Bitfinex sends first. Undefined if none comes within five seconds: subscribing may work all the same. */
export const greetingOf = (connection: WebSocket): Promise<EventFrame | undefined> =>
  new Promise((resolve) => {
    const end = (greeting: EventFrame | undefined) => {
      clearTimeout(timer)
      connection.removeEventListener('message', listen)
      resolve(greeting)
    }
    const listen = ({ data }: WebSocket.MessageEvent) => {
      const greeting = greetingIn(data)
      if (greeting !== undefined) end(greeting)
    }
    const timer = setTimeout(() => end(undefined), PATIENCE_MS)
    connection.addEventListener('message', listen)
    connection.addEventListener('close', () => end(undefined))
  })
