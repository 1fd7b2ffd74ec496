import type WebSocket from 'ws'
import { connectionError, couldNotConnect, transportStopped } from './connection-error'
import { messageListeners, silence, takeListenersOff } from './socket'

/**
 * The most messages that are kept until the open handler is done. A provider that sends more before that is flooding, and the rest is
 * dropped.
 */
const MAX_EARLY_MESSAGES = 1_000

export interface Attempt {
  /**
   * Settled by the first of open, error, close, deadline and {@link Attempt.abort}. Unless the attempt was aborted, a failure destroys the
   * socket.
   */
  readonly opened: Promise<WebSocket>
  /** Gives up. A socket whose open event has come is passed to `dismiss` and not destroyed. */
  abort(): void
}

/**
 * Waits until a socket is open and the author's open handler is done. It listens from the same tick in which the socket was made: messages
 * that arrive together with the handshake, and are not for the open handler, are given to `onOpen` in order.
 *
 * @param of.open - the author's handler; if absent, the socket counts as open within the open event itself
 * @param of.onOpen - adds the lasting listeners; its argument is the messages that came too early. An error that it throws fails the
 * attempt
 * @param of.dismiss - ends a socket whose open event has come; `of.cut` any other
 */
export const connect = (of: {
  socket: WebSocket
  timeoutMs: number
  open: (() => Promise<void> | void) | undefined
  onError: (event: WebSocket.ErrorEvent) => void
  onOpen: (early: WebSocket.MessageEvent[]) => void
  dismiss: (socket: WebSocket) => void
  cut: (socket: WebSocket) => void
}): Attempt => {
  const { socket } = of
  const early: WebSocket.MessageEvent[] = []
  let isSettled = false
  let isOpening = false
  let settle: { resolve: (socket: WebSocket) => void; reject: (error: Error) => void }
  const opened = new Promise<WebSocket>((resolve, reject) => (settle = { resolve, reject }))

  const fail = (error: Error, letGo = of.cut) => {
    if (isSettled) return
    isSettled = true
    clearTimeout(deadline)
    silence(socket)
    letGo(socket)
    settle.reject(error)
  }
  const succeed = () => {
    if (isSettled) return
    takeListenersOff(socket)
    try {
      of.onOpen(early)
    } catch (error) {
      return openFailed(error)
    }
    isSettled = true
    clearTimeout(deadline)
    settle.resolve(socket)
  }
  const openFailed = (cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause)
    fail(connectionError('OPEN_HANDLER_FAILED', `The open handler failed: ${message}`, cause))
  }
  const deadline = setTimeout(() => {
    const message = `The promise "WS Open Handler" took longer than ${of.timeoutMs} ms to execute, giving up the connection`
    fail(connectionError('CONNECTION_TIMEOUT', message))
  }, of.timeoutMs)

  socket.addEventListener('error', (event) => {
    if (isSettled) return
    of.onError(event)
    fail(couldNotConnect(event))
  })
  socket.addEventListener('close', ({ code, reason }) => {
    const why = `The provider closed the connection before it was open (code: ${code}, reason: ${reason || 'none'})`
    fail(connectionError('CONNECTION_CLOSED', why))
  })
  socket.addEventListener('message', (event) => {
    if (isSettled || early.length >= MAX_EARLY_MESSAGES) return
    // While the open handler has a listener too, messages are answers to it. A double that cannot count its listeners is treated as if it
    // had.
    const belongsToOpenHandler = isOpening && (messageListeners(socket) ?? 2) > 1
    if (!belongsToOpenHandler) early.push(event)
  })
  // Added last, because a test double may emit "open" from inside this very call.
  socket.addEventListener('open', () => {
    if (isSettled || isOpening) return
    isOpening = true
    try {
      const opening = of.open?.()
      // Not `instanceof`: the promise may come from another library.
      if (typeof opening?.then === 'function') opening.then(succeed, openFailed)
      else succeed()
    } catch (error) {
      openFailed(error)
    }
  })
  const abort = () => fail(transportStopped(), isOpening ? of.dismiss : of.cut)
  return { opened, abort }
}
