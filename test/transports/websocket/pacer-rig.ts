import type WebSocket from 'ws'
import { vi } from 'vitest'
import { type RollingLimit } from '../../../src/transports/websocket/pacing/limits'
import { MessagePacer } from '../../../src/transports/websocket/pacing/message-pacer'
import { monotonicMs } from '../../../src/util/clock'
import { FAKED } from './support'

export interface Sent {
  atMs: number
  text: string
}

/** A socket that notes what is sent on it. */
export const socketOf = (log: Sent[]) => {
  const note =
    (kind: string) =>
    (data: unknown): void =>
      void log.push({ atMs: monotonicMs(), text: `${kind}${String(data)}` })
  return {
    readyState: 1,
    send: note(''),
    ping: note('ping '),
    pong: note('pong '),
  } as unknown as WebSocket & {
    readyState: number
  }
}

/** A pacer with a held clock, and one socket that it meters. */
export const setUp = (limit: RollingLimit | undefined, bytesLimit?: RollingLimit) => {
  vi.useFakeTimers(FAKED)
  const log: Sent[] = []
  const rooms: number[] = []
  const dropped: unknown[] = []
  const limits = { ...(limit && { messages: limit }), ...(bytesLimit && { bytes: bytesLimit }) }
  const pacer = new MessagePacer(limits, {
    onRoom: () => void rooms.push(pacer.room),
    onDropped: (error) => void dropped.push(error),
  })
  const socket = socketOf(log)
  pacer.meter(socket)
  const bulk = (...names: unknown[]) =>
    pacer.inBulk(() => {
      for (const name of names) socket.send(String(name))
    })
  return { pacer, socket, log, rooms, dropped, bulk, texts: () => log.map(({ text }) => text) }
}

export const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => String(from + index))
